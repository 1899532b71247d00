//! The table of known tools: how each lays out its files. A new tool is a new row.

use crate::chain::layout::{self, Layout};

/// A tool's way of writing revisions down.
#[derive(Debug)]
pub struct Convention {
    /// Its name in `limbeck.toml`.
    pub name: &'static str,
    /// How its files are named and marked.
    pub layout: &'static Layout,
}

/// limbeck's own.
pub const LIMBECK: Convention = Convention { name: "limbeck", layout: &layout::LIMBECK };

/// All of them.
pub const ALL: &[Convention] = &[LIMBECK];

/// The convention of this name.
pub fn named(name: &str) -> Option<&'static Convention> {
    ALL.iter().find(|convention| convention.name == name)
}
