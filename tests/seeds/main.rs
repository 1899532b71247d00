//! Every seed of `fuzz/seeds`: what the fuzz targets begin with, and what they have found, so that it stays found.

use std::path::Path;

mod properties;

/// The properties of one fuzz target, for each of its seeds.
fn hold(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be read").path();
        let input = std::fs::read(&path).expect("a seed");
        if std::panic::catch_unwind(|| property(&input)).is_err() {
            panic!("{}", path.display());
        }
        seeds += 1;
    }
    assert!(seeds > 0, "{} has no seeds", folder.display());
}

macro_rules! targets {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                hold(stringify!($target), properties::$target);
            }
        )*

        /// A target that is not listed here would keep its findings for itself.
        #[test]
        fn every_target_is_here() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
            let mut targets: Vec<String> = std::fs::read_dir(folder)
                .expect("the targets")
                .map(|entry| entry.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
                .collect();
            targets.sort();
            let mut listed = vec![$(stringify!($target)),*];
            listed.sort_unstable();
            assert_eq!(targets, listed);
        }
    };
}

targets! { split_sqlite split_postgresql split_mysql revision_file new_revision settings database_url goal shape }
