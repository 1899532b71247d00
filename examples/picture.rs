//! Draws what a person sees: runs `limbeck upgrade` on a terminal of its own, answers, and writes the screen as SVG.
//!
//! `scripts/picture` calls it as `picture PROGRAM PROJECT OUTPUT.svg`.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vt100::{Color, Parser};

const ROWS: u16 = 60;
const COLUMNS: u16 = 80;
/// Pixels per character cell, for a monospaced font of 14 pixels.
const CELL: (f32, f32) = (8.43, 18.0);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [program, project, output] = arguments.as_slice() else {
        return Err("usage: picture PROGRAM PROJECT OUTPUT.svg".into());
    };
    let screen = screen(program, project)?;
    std::fs::write(output, svg(&screen))?;
    Ok(())
}

/// The screen after the question was answered and the run is over.
fn screen(program: &Path, project: &Path) -> Result<Parser, Box<dyn std::error::Error>> {
    let pair = native_pty_system().openpty(PtySize {
        rows: ROWS,
        cols: COLUMNS,
        pixel_width: 0,
        pixel_height: 0,
    })?;
    let mut command = CommandBuilder::new(std::fs::canonicalize(program)?);
    command.args(["upgrade"]);
    command.cwd(project);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command)?;
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader()?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if send.send(buffer[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let (rows, columns) = (NonZero::new(ROWS), NonZero::new(COLUMNS));
    let mut parser = Parser::new(rows.ok_or("no rows")?, columns.ok_or("no columns")?, 0);
    parser.process(b"$ limbeck upgrade\r\n");
    let mut writer = pair.master.take_writer()?;
    let mut answered = false;
    while let Ok(bytes) = receive.recv_timeout(Duration::from_secs(20)) {
        parser.process(&bytes);
        if !answered && parser.screen().contents().contains("(y):") {
            writer.write_all(b"y\n")?;
            answered = true;
        }
    }
    child.wait()?;
    Ok(parser)
}

fn svg(parser: &Parser) -> String {
    let screen = parser.screen();
    let last = (0..ROWS)
        .rev()
        .find(|row| {
            (0..COLUMNS).any(|column| screen.cell(*row, column).is_some_and(|cell| cell.has_contents()))
        })
        .unwrap_or(0);
    let (width, height) = (f32::from(COLUMNS) * CELL.0 + 32.0, f32::from(last + 1) * CELL.1 + 56.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"limbeck upgrade: plan, question, progress\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1f27\"/>\n\
         <g fill=\"#ff5f57\"><circle cx=\"18\" cy=\"16\" r=\"5\"/></g><g fill=\"#febc2e\"><circle cx=\"34\" cy=\"16\" r=\"5\"/></g>\
         <g fill=\"#28c840\"><circle cx=\"50\" cy=\"16\" r=\"5\"/></g>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n"
    );
    for row in 0..=last {
        let y = f32::from(row) * CELL.1 + 48.0;
        for (column, run, color, bold) in runs(screen, row) {
            let x = f32::from(column) * CELL.0 + 16.0;
            let length = run.chars().count() as f32 * CELL.0;
            let weight = if bold { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(
                text,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" fill=\"{color}\"{weight}>{}</text>",
                run.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
            );
        }
    }
    text.push_str("</g>\n</svg>\n");
    text
}

/// The runs of equal look in a row: where each begins, its text, its colour, its weight.
fn runs(screen: &vt100::Screen, row: u16) -> Vec<(u16, String, &'static str, bool)> {
    let mut runs: Vec<(u16, String, &'static str, bool)> = Vec::new();
    for column in 0..COLUMNS {
        let Some(cell) = screen.cell(row, column) else { continue };
        let look = (color(cell.fgcolor()), cell.bold());
        let contents = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some(run) if (run.2, run.3) == look => run.1.push_str(contents),
            _ => runs.push((column, contents.to_owned(), look.0, look.1)),
        }
    }
    if let Some(run) = runs.last_mut() {
        run.1.truncate(run.1.trim_end().len());
    }
    runs.retain(|run| !run.1.trim().is_empty());
    runs
}

fn color(color: Color) -> &'static str {
    match color {
        Color::Idx(1 | 9) => "#ff6b6b",
        Color::Idx(2 | 10) => "#5fd38d",
        Color::Idx(3 | 11) => "#f2c94c",
        Color::Idx(6 | 14) => "#56c2d6",
        _ => "#d7dce2",
    }
}
