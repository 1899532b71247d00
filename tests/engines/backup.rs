//! The copy before a run, and the way back from it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use limbeck::database_url::{Address, Secret};
use tempfile::TempDir;

use crate::engine::{Database, Engine};
use crate::raw::Raw;
use crate::sandbox::Sandbox;

on_engines! {
    a_downgrade_is_preceded_by_a_copy on sqlite;
    what_throws_data_away_is_preceded_by_a_copy on sqlite;
    a_copy_holds_what_is_in_the_wal on sqlite;
    a_copy_goes_where_it_is_told on sqlite;
    without_a_copy_nothing_is_changed on sqlite postgresql mariadb mysql;
    a_server_is_copied_when_asked_and_restored on postgresql mariadb mysql;
    a_server_is_not_copied_unasked on postgresql mariadb mysql;
    a_missing_program_is_named_before_anything_is_changed on postgresql mariadb mysql;
    the_password_is_no_argument on postgresql mariadb mysql;
    ctrl_c_ends_a_copy on postgresql mariadb mysql;
}

/// A table with a row in it, and a revision that may throw it away.
fn project(database: &Database) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    sandbox.revision(
        "a00000000001",
        "",
        "-- limbeck:upgrade\nCREATE TABLE notes (id int);\nINSERT INTO notes VALUES (7);\n\
         -- limbeck:downgrade\nDROP TABLE notes;\n",
    );
    sandbox.limbeck(&["upgrade"]).ends(0).hides("Copied");
    sandbox
}

fn rows(database: &Database) -> Vec<String> {
    database.raw().lines("SELECT id FROM notes ORDER BY id")
}

fn copies(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut copies: Vec<PathBuf> = entries
        .filter(|path| {
            let name = path.to_string_lossy().into_owned();
            [".limbeck-backup", ".dump", ".sql", ".part"].iter().any(|ending| name.ends_with(ending))
        })
        .collect();
    copies.sort();
    copies
}

fn beside(database: &Database) -> Vec<PathBuf> {
    copies(Path::new(&database.file()).parent().expect("a folder"))
}

/// The command that the run named.
fn restore(said: &str) -> String {
    let (_, rest) =
        said.split_once("To restore it:\n").unwrap_or_else(|| panic!("no way back is named:\n{said}"));
    let more = rest.lines().take_while(|line| line.ends_with('\\')).count();
    rest.lines().take(more + 1).collect::<Vec<_>>().join("\n")
}

fn a_downgrade_is_preceded_by_a_copy(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    let output = sandbox.limbeck(&["downgrade", "base"]).ends(0).says("Copied before the run");
    assert!(!database.raw().has_table("notes"));
    let [copy] = beside(&database).try_into().expect("one copy");
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(copy.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    let log = database.raw().lines("SELECT act, revision, detail FROM limbeck_log WHERE act = 'backup'");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(
        log[0].starts_with("backup | a00000000001 | ") && log[0].contains("to restore it: rm"),
        "{log:?}"
    );
    // What is printed is enough to go back.
    let status = Command::new("sh").args(["-c", &restore(&output.said())]).status().expect("sh runs");
    assert!(status.success());
    assert_eq!(rows(&database), ["7"]);
    assert_eq!(database.raw().states().len(), 1);
    sandbox.limbeck(&["downgrade", "base", "--backup=never"]).ends(0).hides("Copied");
    assert_eq!(beside(&database).len(), 1);
}

fn what_throws_data_away_is_preceded_by_a_copy(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    sandbox.revision("a00000000002", "a00000000001", "-- limbeck:upgrade\nCREATE TABLE more (id int);\n");
    sandbox.limbeck(&["upgrade"]).ends(0).hides("Copied");
    sandbox.revision("a00000000003", "a00000000002", "-- limbeck:upgrade\nDELETE FROM notes;\n");
    sandbox.limbeck(&["upgrade", "--dry-run"]).ends(0).hides("Copied");
    let output = sandbox.limbeck(&["upgrade", "--json"]).ends(0);
    let told: Vec<serde_json::Value> = output
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|line: &serde_json::Value| line["event"] == "backed_up")
        .collect();
    assert_eq!(told.len(), 1, "{}", output.out);
    assert_eq!(told[0]["file"].as_str().map(PathBuf::from), beside(&database).first().cloned());
    sandbox.revision("a00000000004", "a00000000003", "-- limbeck:upgrade\nCREATE TABLE last (id int);\n");
    sandbox.set("CORTEX_BACKUP", "always");
    sandbox.limbeck(&["upgrade"]).ends(0).says("Copied");
    // To write into the books runs nothing.
    sandbox.limbeck(&["stamp", "base"]).ends(0).hides("Copied");
    assert_eq!(beside(&database).len(), 2);
}

fn a_copy_holds_what_is_in_the_wal(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    let mut writer = database.raw();
    writer.run("PRAGMA journal_mode = WAL");
    writer.run("PRAGMA wal_autocheckpoint = 0");
    writer.run("INSERT INTO notes VALUES (8)");
    // A reader that began before keeps what is written later in the WAL.
    sandbox.limbeck(&["downgrade", "base"]).ends(0);
    let [copy] = beside(&database).try_into().expect("one copy");
    let mut copy = Raw::file(&copy.to_string_lossy());
    assert_eq!(copy.lines("SELECT id FROM notes ORDER BY id"), ["7", "8"]);
    assert_eq!(copy.lines("PRAGMA integrity_check"), ["ok"]);
}

fn a_copy_goes_where_it_is_told(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    let folder = TempDir::new().expect("a folder");
    let there = folder.path().join("deep/er").to_string_lossy().into_owned();
    sandbox.limbeck(&["upgrade", "--backup", "--backup-dir", &there]).ends(0).hides("Copied");
    sandbox.set("CORTEX_BACKUP_DIR", there.as_str());
    sandbox.limbeck(&["down", "1"]).ends(0).says(&there);
    assert_eq!((copies(Path::new(&there)).len(), beside(&database).len()), (1, 0));
    // An empty database, and one in memory, have nothing to lose.
    sandbox.set("CORTEX_DATABASE_URL", "sqlite::memory:");
    sandbox.limbeck(&["upgrade", "--backup"]).ends(0).hides("Copied");
}

fn without_a_copy_nothing_is_changed(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    let folder = TempDir::new().expect("a folder");
    let no_folder = folder.path().join("a file");
    std::fs::write(&no_folder, "").expect("a file");
    sandbox.set("PATH", path(engine));
    let there = no_folder.to_string_lossy().into_owned();
    let output =
        sandbox.limbeck(&["downgrade", "base", "--backup", "--backup-dir", &there, "--json"]).ends(1);
    assert_eq!(output.json()["error"]["code"], "backup", "{}", output.said());
    assert_eq!((rows(&database), database.raw().states().len()), (vec!["7".to_owned()], 1));
}

/// Where the programs are that copy this engine's databases.
fn path(engine: Engine) -> String {
    let usual = "/usr/sbin:/usr/bin:/sbin:/bin";
    let clients = std::env::var("LIMBECK_SERVERS_BIN").unwrap_or_default();
    let program = if engine == Engine::PostgreSql { "pg_dump" } else { "mysqldump" };
    let there =
        std::env::split_paths(&format!("{clients}:{usual}")).any(|folder| folder.join(program).is_file());
    let needed = engine != Engine::Sqlite;
    assert!(there || !needed, "{program} is needed: scripts/servers provides it in LIMBECK_SERVERS_BIN");
    format!("{clients}:{usual}")
}

fn a_server_is_copied_when_asked_and_restored(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    sandbox.set("PATH", path(engine));
    let folder = TempDir::new().expect("a folder");
    let there = folder.path().to_string_lossy().into_owned();
    let output = sandbox.limbeck(&["downgrade", "base", "--backup", "--backup-dir", &there]).ends(0);
    assert!(!database.raw().has_table("notes"));
    let [copy] = copies(folder.path()).try_into().expect("one copy");
    let command = restore(&output.said());
    let secret = database.address().password.map(|secret| secret.reveal().to_owned()).unwrap_or_default();
    assert!(
        command.contains(&*copy.to_string_lossy()) && !command.contains(&format!(":{secret}@")),
        "{command}"
    );
    assert_eq!(database.raw().lines("SELECT act FROM limbeck_log WHERE act = 'backup'"), ["backup"]);

    // Back, by what was printed; the clients of the tests see no file from outside, and read it from stdin.
    let address = database.address();
    let port = address.port.to_string();
    let user = address.user.clone().unwrap_or_default();
    let program = command.split_whitespace().next().expect("a word").to_owned();
    let mut arguments = vec![format!("--host={}", address.host), format!("--port={port}")];
    if engine == Engine::PostgreSql {
        arguments.extend(["--clean".to_owned(), "--if-exists".to_owned()]);
        arguments.extend([format!("--username={user}"), format!("--dbname={}", database.name)]);
    } else {
        arguments.extend([
            "--protocol=tcp".to_owned(),
            format!("--user={user}"),
            format!("--database={}", database.name),
        ]);
    }
    let mut client = Command::new(&program);
    client.args(&arguments).env("PATH", path(engine)).env("PGPASSWORD", &secret).env("MYSQL_PWD", &secret);
    client.stdin(std::fs::File::open(&copy).expect("the copy"));
    let restored = client.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(restored.status.success(), "{program}: {}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(rows(&database), ["7"]);
    sandbox.limbeck(&["check"]).ends(0);
}

fn a_server_is_not_copied_unasked(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database);
    sandbox.limbeck(&["downgrade", "base"]).ends(0).hides("Copied");
    // There is nothing to lose in an empty database, so no program is needed.
    let fresh = Database::new(engine);
    let mut sandbox = Sandbox::new(&fresh);
    sandbox.revision("a00000000001", "", "-- limbeck:upgrade\nCREATE TABLE notes (id int);\n");
    sandbox.set("PATH", "/no/such/folder");
    sandbox.limbeck(&["upgrade", "--backup"]).ends(0).hides("Copied");
}

fn a_missing_program_is_named_before_anything_is_changed(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    sandbox.set("PATH", "/no/such/folder");
    let program = if engine == Engine::PostgreSql { "pg_dump" } else { "mysqldump" };
    let output = sandbox.limbeck(&["downgrade", "base", "--backup", "--json"]).ends(1).says(program);
    assert_eq!(output.json()["error"]["code"], "no-program", "{}", output.said());
    assert_eq!(rows(&database), ["7"]);
}

/// A folder with this script as the program that copies.
fn stand_in(script: &str) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().expect("a folder");
    for name in ["pg_dump", "mysqldump", "mariadb-dump"] {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a mode");
    }
    folder
}

fn the_password_is_no_argument(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    let user = database.user("hunter2secret");
    match engine {
        Engine::PostgreSql => {
            database.raw().run(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"));
        }
        _ => database.raw().run(&format!("GRANT ALL ON {}.* TO '{user}'@'%'", database.name)),
    }
    let address =
        Address { user: Some(user), password: Some(Secret::new("hunter2secret")), ..database.address() };
    sandbox.set("CORTEX_DATABASE_URL", database.url_of(&address));
    let folder = stand_in("echo \"$@\" > \"$0.said\"; env > \"$0.env\"; echo 'no-room-here' >&2; exit 3");
    sandbox.set("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    let output = sandbox.limbeck(&["downgrade", "base", "--backup"]).ends(1).hides("hunter2secret");
    let output = output.says("no-room-here").says("Nothing was changed");
    assert!(!output.said().contains("Copied"));
    assert_eq!(rows(&database), ["7"]);
    let read = |ending: &str| {
        let files = std::fs::read_dir(folder.path()).expect("a folder");
        let mut files = files.map(|file| file.expect("a file").path());
        let file = files.find(|file| file.to_string_lossy().ends_with(ending)).expect("it ran");
        std::fs::read_to_string(file).expect("text")
    };
    let arguments = read(".said");
    assert!(!arguments.contains("hunter2secret") && arguments.contains(&database.name), "{arguments}");
    assert!(read(".env").contains("hunter2secret"));
    // And no half of a copy stays behind.
    assert!(copies(&sandbox.path().join("backups")).is_empty());
}

fn ctrl_c_ends_a_copy(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database);
    let folder = stand_in("echo > \"$(dirname \"$0\")/began\"; exec sleep 600");
    sandbox.set("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
    let mut command = sandbox.command(&["downgrade", "base", "--backup"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("limbeck runs");
    while !folder.path().join("began").exists() {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let output = child.wait_with_output().expect("limbeck ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(rows(&database), ["7"]);
    assert!(copies(&sandbox.path().join("backups")).is_empty());
}
