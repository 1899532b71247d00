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
    // cargo puts it behind the others.
    let benching = std::env::args().any(|argument| argument == "--bench");
    let mut arguments = std::env::args().skip(1);
    let (mut tools, mut plot) = (None, None);
    let (mut only, mut amount) = (None, Amount::Full);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
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
    let mut engines = Engine::ALL.to_vec();
    if let Some(only) = only {
        engines.retain(|engine| engine.name().eq_ignore_ascii_case(&only));
        if engines.is_empty() {
            return Err(format!("there is no engine {only}"));
        }
    }
    let before = report::busy();
    let measured: Vec<Measured> =
        engines.into_iter().map(|engine| measure(engine, &installed, amount)).collect::<Result<_, _>>()?;
    let after = report::busy();
    print!("{}", report::markdown(&measured, &installed, [before, after]));
    if let Some(file) = plot {
        std::fs::write(&file, plot::svg(&measured))
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
