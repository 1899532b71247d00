//! The runs themselves.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::engine::{Database, Engine, Target};
use crate::tool::{self, Installed, Tool};
use crate::wire::{Traffic, Wire};

/// Revisions in the chains. The last one is also run with nothing pending.
const CHAINS: [usize; 3] = [10, 100, 1_000];
const NOTHING_PENDING: usize = 7;
/// The chain that is applied through the line.
pub const FAR: usize = 100;
/// Bytes that a revision has at the very least: a driver that is told 127.0.0.1 may ask the server for its socket and go
/// on there, past the line.
const LEAST: usize = 100;
/// Half of a round trip.
pub const ONE_WAY: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    Full,
    Quick,
}

/// What was found on one engine.
pub struct Measured {
    pub engine: Engine,
    pub version: String,
    /// Whole runs on the machine of the server, by tool and number of revisions.
    pub near: BTreeMap<(Tool, usize), Duration>,
    pub nothing_pending: BTreeMap<Tool, Duration>,
    pub far: BTreeMap<Tool, Far>,
    pub far_nothing_pending: BTreeMap<Tool, Far>,
    /// The tools that did not do it, and what they said.
    pub left_out: BTreeMap<Tool, String>,
}

/// A whole run through the line.
#[derive(Clone, Copy)]
pub struct Far {
    pub took: Duration,
    pub round_trips: usize,
}

struct Bench<'a> {
    engine: Engine,
    installed: &'a Installed,
    database: Database,
    folder: PathBuf,
    tools: Vec<Tool>,
    left_out: BTreeMap<Tool, String>,
}

/// Everything on one engine.
pub fn measure(engine: Engine, installed: &Installed, amount: Amount) -> Result<Measured, String> {
    let held = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = held.path().to_owned();
    let database = Database::of(engine, &folder)?;
    let tools = Tool::ALL.into_iter().filter(|tool| installed.has(*tool, engine)).collect();
    let version = database.version()?;
    let mut bench = Bench { engine, installed, database, folder, tools, left_out: BTreeMap::new() };
    let mut measured = Measured {
        engine,
        version,
        near: BTreeMap::new(),
        nothing_pending: BTreeMap::new(),
        far: BTreeMap::new(),
        far_nothing_pending: BTreeMap::new(),
        left_out: BTreeMap::new(),
    };
    for revisions in CHAINS {
        let runs = runs(engine, revisions, amount);
        if runs == 0 {
            continue;
        }
        bench.near(revisions, runs, &mut measured)?;
    }
    if let Some((host, port)) = bench.database.address() {
        let wire = Wire::to(host, port, ONE_WAY).map_err(|error| error.to_string())?;
        bench.far(&wire, &mut measured)?;
    }
    measured.left_out = bench.left_out;
    Ok(measured)
}

/// How often a chain is applied on the server's machine: the longer it takes, the fewer.
fn runs(engine: Engine, revisions: usize, amount: Amount) -> usize {
    match (amount, revisions, engine) {
        (Amount::Quick, 1_000, _) | (Amount::Full, 1_000, Engine::MySql) => 0,
        (Amount::Quick, ..) => 1,
        (Amount::Full, 1_000, _) | (Amount::Full, 100, Engine::MariaDb | Engine::MySql) => 3,
        (Amount::Full, ..) => 5,
    }
}

impl Bench<'_> {
    /// One chain on the server's own machine, and then nothing pending in what the last run left.
    fn near(&mut self, revisions: usize, runs: usize, measured: &mut Measured) -> Result<(), String> {
        let mut took: BTreeMap<Tool, Vec<Duration>> = BTreeMap::new();
        let mut idled: BTreeMap<Tool, Vec<Duration>> = BTreeMap::new();
        // In turns, so that a change in the machine's load meets all of them, and each time from another one on and the
        // other way round, so that none always has the same place and the same one before it.
        for run in 1..=runs {
            for tool in turn(&self.tools, run) {
                let project = self.project(tool, revisions)?;
                let Some(duration) = self.upgrade(tool, &project, None, revisions)? else { continue };
                self.say(tool, &format!("{revisions} revisions, run {run} of {runs}: {duration:.2?}"));
                took.entry(tool).or_default().push(duration);
                if run == runs && tool != Tool::Client {
                    for _ in 0..NOTHING_PENDING {
                        let Some(duration) = self.run(tool, &project, None)? else { break };
                        idled.entry(tool).or_default().push(duration);
                    }
                }
            }
        }
        for (tool, mut durations) in took {
            measured.near.insert((tool, revisions), middle(&mut durations));
        }
        measured
            .nothing_pending
            .extend(idled.into_iter().map(|(tool, mut durations)| (tool, middle(&mut durations))));
        Ok(())
    }

    /// One chain through the line, and nothing pending after it. Once: nearly all of it is waiting, which does not vary.
    fn far(&mut self, wire: &Wire, measured: &mut Measured) -> Result<(), String> {
        for tool in self.tools.clone() {
            let project = self.project(tool, FAR)?;
            let _ = wire.traffic();
            let Some(took) = self.upgrade(tool, &project, Some(wire.port), FAR)? else { continue };
            let Traffic { round_trips, sent } = wire.traffic();
            if sent < LEAST * FAR {
                self.leave_out(
                    tool,
                    format!("only {sent} bytes of {FAR} revisions came by way of the line"),
                )?;
                continue;
            }
            self.say(
                tool,
                &format!("{FAR} revisions through the line: {took:.2?}, {round_trips} round trips"),
            );
            measured.far.insert(tool, Far { took, round_trips });
            if tool != Tool::Client {
                let Some(took) = self.run(tool, &project, Some(wire.port))? else { continue };
                let round_trips = wire.traffic().round_trips;
                measured.far_nothing_pending.insert(tool, Far { took, round_trips });
            }
        }
        Ok(())
    }

    /// The folder with a chain for a tool. It is written, and read once by a tool that compiles it, before any clock runs.
    fn project(&self, tool: Tool, revisions: usize) -> Result<PathBuf, String> {
        let project = self.folder.join(format!("{}-{revisions}", tool.name(self.engine)));
        if !project.exists() {
            tool::write(tool, self.engine, &project, revisions).map_err(|error| error.to_string())?;
            if matches!(tool, Tool::Alembic | Tool::AlembicEach) {
                self.compile(&project)?;
            }
        }
        Ok(project)
    }

    /// Alembic keeps its revisions compiled: once on a machine, and not in each run.
    fn compile(&self, project: &Path) -> Result<(), String> {
        let target = self.database.target(None);
        let upgrade = self.installed.upgrade(Tool::Alembic, self.engine, &target, project)?;
        finish(Command::new(upgrade.get_program()).arg("heads").current_dir(project))
    }

    /// A run on a new database, which has all the tables afterwards.
    fn upgrade(
        &mut self,
        tool: Tool,
        project: &Path,
        port: Option<u16>,
        revisions: usize,
    ) -> Result<Option<Duration>, String> {
        self.database.renew()?;
        // The only one that does not make the file.
        if let (Tool::Refinery, Target::File(file)) = (tool, self.database.target(None)) {
            File::create(file).map_err(|error| error.to_string())?;
        }
        let Some(took) = self.run(tool, project, port)? else { return Ok(None) };
        let tables = self.database.tables()?;
        if tables == revisions {
            return Ok(Some(took));
        }
        self.leave_out(
            tool,
            format!("{tables} of {revisions} tables are there after a run that reported success"),
        )?;
        Ok(None)
    }

    /// A whole run of the program.
    fn run(&mut self, tool: Tool, project: &Path, port: Option<u16>) -> Result<Option<Duration>, String> {
        let mut command = self.installed.upgrade(tool, self.engine, &self.database.target(port), project)?;
        if tool != Tool::Client {
            command.stdin(Stdio::null());
        }
        let began = Instant::now();
        match finish(&mut command) {
            Ok(()) => Ok(Some(began.elapsed())),
            Err(error) => self.leave_out(tool, error).map(|()| None),
        }
    }

    /// A tool that cannot do it here is not measured any further. limbeck and the client can.
    fn leave_out(&mut self, tool: Tool, why: String) -> Result<(), String> {
        self.say(tool, &format!("left out: {why}"));
        if matches!(tool, Tool::Limbeck | Tool::Client) {
            return Err(format!("{} on {}: {why}", tool.name(self.engine), self.engine.name()));
        }
        self.tools.retain(|other| *other != tool);
        self.left_out.insert(tool, why);
        Ok(())
    }

    fn say(&self, tool: Tool, what: &str) {
        eprintln!("{}: {}: {what}", self.engine.name(), tool.name(self.engine));
    }
}

fn turn(tools: &[Tool], run: usize) -> Vec<Tool> {
    let mut turn = tools.to_vec();
    if run.is_multiple_of(2) {
        turn.reverse();
    }
    turn.rotate_left((run - 1) * 3 % tools.len().max(1));
    turn
}

fn finish(command: &mut Command) -> Result<(), String> {
    let done = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if done.status.success() {
        return Ok(());
    }
    let texts = [String::from_utf8_lossy(&done.stderr), String::from_utf8_lossy(&done.stdout)];
    let line = texts.iter().flat_map(|text| text.lines()).rfind(|line| !line.trim().is_empty());
    Err(line.map_or_else(|| done.status.to_string(), |line| line.trim().to_owned()))
}

fn middle(durations: &mut [Duration]) -> Duration {
    durations.sort();
    durations[durations.len() / 2]
}
