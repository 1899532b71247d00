//! The chain as a drawn graph: newest on top, a lane per line of descent.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::chain::Chain;

/// One revision's own part of the drawing.
pub struct Node {
    /// The mark in its lane.
    pub mark: char,
    /// What stands beside it.
    pub text: String,
}

/// Draws the revisions of `shown`, each as `node` says.
pub fn draw(chain: &Chain, shown: &BTreeSet<usize>, node: impl Fn(usize) -> Node) -> String {
    let mut text = String::new();
    // What each lane waits for.
    let mut lanes: Vec<Option<usize>> = Vec::new();
    for at in shown.iter().rev().copied() {
        let waiting: Vec<usize> = (0..lanes.len()).filter(|lane| lanes[*lane] == Some(at)).collect();
        let lane = match waiting.first() {
            Some(lane) => *lane,
            None => free_lane(&mut lanes),
        };
        if waiting.len() > 1 {
            let _ = writeln!(text, "{}", link(&lanes, lane, &waiting[1..], '┘'));
            for other in &waiting[1..] {
                lanes[*other] = None;
            }
        }
        lanes[lane] = Some(at);
        let Node { mark, text: beside } = node(at);
        let _ = writeln!(text, "{} {beside}", row(&lanes, lane, mark));
        let mut parents = chain.parents(at).iter().copied().filter(|parent| shown.contains(parent));
        lanes[lane] = parents.next();
        let joined: Vec<usize> = parents
            .map(|parent| {
                let new = free_lane(&mut lanes);
                lanes[new] = Some(parent);
                new
            })
            .collect();
        if !joined.is_empty() {
            let _ = writeln!(text, "{}", link(&lanes, lane, &joined, '┐'));
        }
        while lanes.last() == Some(&None) {
            lanes.pop();
        }
    }
    text
}

fn free_lane(lanes: &mut Vec<Option<usize>>) -> usize {
    lanes.iter().position(Option::is_none).unwrap_or_else(|| {
        lanes.push(None);
        lanes.len() - 1
    })
}

fn row(lanes: &[Option<usize>], node: usize, mark: char) -> String {
    let mut row = String::new();
    for (lane, waits) in lanes.iter().enumerate() {
        row.push(if lane == node {
            mark
        } else if waits.is_some() {
            '│'
        } else {
            ' '
        });
        row.push(' ');
    }
    row.truncate(row.trim_end().len());
    row
}

/// A line that ties `others` to the lane `node`; `corner` is where the last of them turns.
fn link(lanes: &[Option<usize>], node: usize, others: &[usize], corner: char) -> String {
    let last = others.iter().copied().max().unwrap_or(node).max(node);
    let first = others.iter().copied().min().unwrap_or(node).min(node);
    let inner = if corner == '┘' { '┴' } else { '┬' };
    let mut row = String::new();
    for (lane, waits) in lanes.iter().enumerate() {
        let tied = others.contains(&lane);
        row.push(match (lane == node, tied) {
            (true, _) if lane == first => '├',
            (true, _) if lane == last => '┤',
            (true, _) => '┼',
            (_, true) if lane == last => corner,
            (_, true) if lane == first => {
                if corner == '┘' {
                    '└'
                } else {
                    '┌'
                }
            }
            (_, true) => inner,
            _ if lane > first && lane < last && waits.is_some() => '┼',
            _ if lane > first && lane < last => '─',
            _ if waits.is_some() => '│',
            _ => ' ',
        });
        row.push(if lane >= first && lane < last { '─' } else { ' ' });
    }
    row.truncate(row.trim_end().len());
    row
}
