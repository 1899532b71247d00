//! The picture: round trips and seconds of 100 revisions through the line, a bar for each tool.

use std::fmt::Write as _;

use crate::measure::{FAR, Measured};
use crate::tool::Tool;

const WIDTH: f64 = 820.0;
const NAME: f64 = 128.0;
/// From one bar to the next, and the height of a bar.
const STEP: f64 = 24.0;
const BAR: f64 = 16.0;
/// What the two columns have for their bars; the number stands behind the bar.
const COLUMN: f64 = 346.0;
const NUMBER: f64 = 62.0;

/// Black on nothing, or white: what the reader's page has.
const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
.head { font-weight: 600; }
.quiet { fill: #59636e; }
.ours { fill: #0969da; }
.theirs { fill: #afb8c1; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .quiet { fill: #9198a1; }
  .ours { fill: #4493f8; }
  .theirs { fill: #656c76; }
}
";

pub fn svg(measured: &[Measured]) -> String {
    let mut body = String::new();
    text(&mut body, 0.0, 14.0, "quiet", &format!("{FAR} revisions, 20 ms away from the server"));
    let mut y = 22.0;
    for engine in measured.iter().filter(|engine| !engine.far.is_empty()) {
        y = panel(&mut body, engine, y + 8.0);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y:.0}\" width=\"{WIDTH}\" height=\"{y:.0}\" \
         role=\"img\" aria-label=\"Round trips and seconds for 100 revisions at 20 ms\">\n<style>\n{STYLE}</style>\n\
         {body}</svg>\n"
    )
}

/// The bars of one engine from `top` on; returns where they end.
fn panel(body: &mut String, measured: &Measured, top: f64) -> f64 {
    let engine = measured.engine;
    let columns = [NAME, NAME + COLUMN];
    let heads = ["round trips", "seconds"];
    let y = top + 14.0;
    text(body, 0.0, y, "head", engine.name());
    for (x, head) in columns.into_iter().zip(heads) {
        text(body, x, y, "quiet", head);
    }
    let values =
        |tool: Tool| measured.far.get(&tool).map(|far| [far.round_trips as f64, far.took.as_secs_f64()]);
    let most =
        |column: usize| Tool::ALL.into_iter().filter_map(values).map(|it| it[column]).fold(1.0, f64::max);
    let most = [most(0), most(1)];
    let mut y = top + 24.0;
    for tool in Tool::ALL {
        let Some(values) = values(tool) else { continue };
        let class = if tool == Tool::Limbeck { "ours" } else { "theirs" };
        text(body, 0.0, y + 13.0, if tool == Tool::Limbeck { "head" } else { "name" }, tool.name(engine));
        let numbers = [format!("{:.0}", values[0]), format!("{:.1}", values[1])];
        for column in 0..2 {
            let (x, width) = (columns[column], values[column] / most[column] * (COLUMN - NUMBER));
            let _ = writeln!(
                body,
                "<rect class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
            );
            text(body, x + width + 6.0, y + 13.0, "number", &numbers[column]);
        }
        y += STEP;
    }
    y + 12.0
}

fn text(body: &mut String, x: f64, y: f64, class: &str, what: &str) {
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x:.0}\" y=\"{y:.0}\">{what}</text>");
}
