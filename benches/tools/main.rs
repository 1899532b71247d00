//! limbeck beside other tools and beside the engines' own clients: whole runs of the programs on real servers, in turns,
//! on the same machine and through a line of 20 ms. Prints Markdown; `scripts/bench` starts it and keeps what it prints.
//!
//! `--tools LIST` says what `scripts/bench-tools` installed, `--plot FILE` where the picture goes, `--engine NAME` keeps
//! to one engine, `--quick` measures everything once and leaves 1,000 revisions out.

mod engine;
mod measure;
mod plot;
mod report;
mod tool;
mod wire;

use std::path::PathBuf;

use engine::Engine;
use measure::{Amount, Measured, measure};
use tool::Installed;

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let (mut benching, mut tools, mut plot) = (false, None, None);
    let (mut only, mut amount) = (None, Amount::Full);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => benching = true,
            "--tools" => tools = arguments.next().map(PathBuf::from),
            "--plot" => plot = arguments.next().map(PathBuf::from),
            "--engine" => only = arguments.next(),
            "--quick" => amount = Amount::Quick,
            _ if !benching => {}
            other => return Err(format!("what is {other}?")),
        }
    }
    // `cargo test --benches` runs this too, and `cargo bench` without a list of tools; there it only has to start.
    let (true, Some(tools)) = (benching, tools) else { return Ok(()) };
    let installed = Installed::read(&tools)?;
    let before = report::busy();
    let mut measured: Vec<Measured> = Vec::new();
    for engine in Engine::ALL {
        if only.as_ref().is_none_or(|only| engine.name().eq_ignore_ascii_case(only)) {
            measured.extend(measure(engine, &installed, amount)?);
        }
    }
    let after = report::busy();
    print!("{}", report::markdown(&measured, &installed, [before, after]));
    if let Some(file) = plot {
        std::fs::write(&file, plot::svg(&measured))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
