//! Help, completions, the manual page.

use super::sandbox::Sandbox;

const COMMANDS: [&str; 28] = [
    "init",
    "revision",
    "merge",
    "rebase",
    "squash",
    "edit",
    "show",
    "plan",
    "upgrade",
    "downgrade",
    "goto",
    "up",
    "down",
    "force",
    "version",
    "stamp",
    "current",
    "heads",
    "branches",
    "history",
    "status",
    "check",
    "verify",
    "log",
    "diff",
    "accept",
    "completions",
    "man",
];

#[test]
fn help_of_the_program() {
    let sandbox = Sandbox::empty();
    check!(sandbox.session(&["--help", "-h", "--version"]));
    let listed = sandbox.run("--help");
    for command in COMMANDS {
        assert!(listed.contains(&format!("\n  {command} ")), "{command} is in the list");
    }
}

#[test]
fn help_of_every_command() {
    let sandbox = Sandbox::empty();
    for command in COMMANDS {
        let text = sandbox.run(&format!("{command} --help"));
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{command}: {line}");
        }
        insta::with_settings!({ omit_expression => true, snapshot_suffix => command }, {
            insta::assert_snapshot!(text);
        });
    }
}

#[test]
fn a_command_line_that_means_nothing() {
    let sandbox = Sandbox::empty();
    check!(sandbox.session(&[
        "",
        "upgrad",
        "upgrade --what",
        "upgrade one two",
        "plan --color red",
        "status --quiet --verbose",
        "downgrade",
        "upgrad --json",
        "completions",
        "completions dos",
    ]));
}

#[test]
fn every_shell_has_a_completion_script() {
    let sandbox = Sandbox::empty();
    for (shell, sign) in [
        ("bash", "complete -F _limbeck"),
        ("zsh", "#compdef limbeck"),
        ("fish", "complete -c limbeck"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[limbeck]"),
    ] {
        let output = sandbox.start(&format!("completions {shell}")).output();
        let script = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}");
        assert!(script.contains(sign), "{shell}: {script}");
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn the_manual_page_names_every_command() {
    let output = Sandbox::empty().start("man").output();
    assert!(output.status.success());
    let page = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(page.contains(".TH limbeck 1"), "{page}");
    for command in COMMANDS {
        assert!(page.contains(&format!("limbeck\\-{command}")), "{command}");
    }
    assert!(page.contains("dry\\-run"), "options are in it");
}
