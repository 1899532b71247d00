//! A server that is not up yet: `--wait`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use limbeck::database_url::{Address, Secret};

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    a_server_that_comes_late_is_waited_for on postgresql mariadb mysql;
    a_server_that_says_not_yet_is_waited_for on postgresql mariadb mysql;
    a_socket_that_comes_late_is_waited_for on postgresql mariadb mysql;
    a_refusal_for_good_is_not_waited_out on postgresql mariadb mysql;
    a_wait_ends on postgresql mariadb mysql;
    ctrl_c_ends_a_wait on postgresql mariadb mysql;
    a_file_is_not_waited_for on sqlite;
}

/// A TCP port in front of the server. Until it is opened, whoever knocks is told `closed` and sent away.
struct Door {
    port: u16,
    open: Arc<AtomicBool>,
}

impl Door {
    fn new(database: &Database, closed: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let open = Arc::new(AtomicBool::new(false));
        let server = database.address();
        let (seen, closed) = (Arc::clone(&open), closed.to_vec());
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(mut client) = client else { return };
                if seen.load(Ordering::SeqCst) {
                    let server = TcpStream::connect((server.host.as_str(), server.port)).expect("the server");
                    pass(&client, &server);
                    pass(&server, &client);
                } else if !closed.is_empty() {
                    // PostgreSQL's client speaks first, and must be heard before it is answered.
                    if closed[0] == b'E' {
                        let _ = client.read(&mut [0; 1024]);
                    }
                    let _ = client.write_all(&closed);
                    let _ = client.shutdown(Shutdown::Write);
                    let _ = client.read(&mut [0; 1024]);
                }
            }
        });
        Self { port, open }
    }

    fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// The URL by way of the door, without TLS.
    fn url(&self, database: &Database) -> String {
        let address = Address { host: "127.0.0.1".to_owned(), port: self.port, ..database.address() };
        format!("{}?sslmode=disable", database.url_of(&address))
    }
}

fn pass(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a second handle");
    let mut to = to.try_clone().expect("a second handle");
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// One revision, and limbeck that goes by this URL.
fn project(database: &Database, url: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    let sections =
        "-- limbeck:upgrade\nCREATE TABLE users (id int);\n-- limbeck:downgrade\nDROP TABLE users;\n";
    sandbox.revision("a00000000001", "", sections);
    sandbox.set("CORTEX_DATABASE_URL", url);
    // The line that is waited for is one line.
    sandbox.set("COLUMNS", "400");
    sandbox
}

/// Starts an upgrade, and returns it once it says that it waits.
fn waiting(sandbox: &Sandbox, wait: &str) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut command = sandbox.command(&["upgrade", "--wait", wait]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("limbeck runs");
    let mut said = BufReader::new(child.stderr.take().expect("stderr"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert!(line.starts_with("Waiting for "), "{line}");
    (child, said, line)
}

fn ends(mut child: Child, mut said: BufReader<std::process::ChildStderr>, code: i32) -> String {
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("UTF-8");
    let status = child.wait().expect("limbeck ends");
    assert_eq!(status.code(), Some(code), "{rest}");
    rest
}

fn a_server_that_comes_late_is_waited_for(engine: Engine) {
    let database = Database::new(engine);
    let door = Door::new(&database, b"");
    let sandbox = project(&database, &door.url(&database));
    // Without a wait, it is an error that names the way out.
    sandbox.limbeck(&["upgrade"]).ends(1).says("--wait 30s");
    let (child, said, line) = waiting(&sandbox, "10m");
    assert!(line.contains(&door.port.to_string()) && line.contains("***"), "{line}");
    door.open();
    let rest = ends(child, said, 0);
    assert!(!rest.contains("Waiting for"), "it is said once: {rest}");
    assert!(database.raw().has_table("users"));
}

fn a_server_that_says_not_yet_is_waited_for(engine: Engine) {
    let database = Database::new(engine);
    let closed: &[u8] = match engine {
        Engine::PostgreSql => b"E\0\0\0\x3eSFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0",
        // Before the greeting: 1040.
        _ => b"\x17\0\0\0\xff\x10\x04Too many connections",
    };
    let door = Door::new(&database, closed);
    let mut sandbox = project(&database, &door.url(&database));
    let failed = sandbox.limbeck(&["status", "--json"]).ends(1);
    assert_eq!(failed.json()["error"]["code"], "not-ready", "{}", failed.said());
    let (child, said, line) = waiting(&sandbox, "10m");
    assert!(line.contains("starting up") || line.contains("Too many connections"), "{line}");
    door.open();
    ends(child, said, 0);
    // The setting does what the flag does, for a question too; its answer is one document.
    sandbox.set("CORTEX_WAIT", "10m");
    let status = sandbox.limbeck(&["status", "--json"]).ends(0);
    assert_eq!(status.out.lines().count(), 1, "{}", status.out);
}

fn a_socket_that_comes_late_is_waited_for(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database, "");
    let socket = engine.socket();
    let folder = tempfile::TempDir::new().expect("a folder");
    let folder = folder.path().to_string_lossy().into_owned();
    let (real, late, there) = match engine {
        Engine::PostgreSql => {
            let file = format!(".s.PGSQL.{}", database.address().port);
            (format!("{socket}/{file}"), format!("{folder}/{file}"), folder.clone())
        }
        _ => (socket, format!("{folder}/late.sock"), format!("{folder}/late.sock")),
    };
    let parameter = if engine == Engine::PostgreSql { "host" } else { "socket" };
    let mut sandbox = sandbox;
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?{parameter}={there}", database.url()));
    let (child, said, _) = waiting(&sandbox, "10m");
    std::os::unix::fs::symlink(real, late).expect("a link");
    ends(child, said, 0);
}

fn a_refusal_for_good_is_not_waited_out(engine: Engine) {
    let database = Database::new(engine);
    let mut sandbox = project(&database, &database.url());
    let wrong = Address { password: Some(Secret::new("wrong")), ..database.address() };
    let nobody = Address { user: Some("limbeck_nobody".to_owned()), ..wrong };
    let nowhere = Address { database: Some("limbeck_no_such_database".to_owned()), ..database.address() };
    for (url, code) in [
        (database.url_of(&nobody), "credentials"),
        (database.url_of(&nowhere), "no-database"),
        (format!("{}?sslmode=verify-full", database.url()), "tls"),
    ] {
        sandbox.set("CORTEX_DATABASE_URL", url);
        let output = sandbox.limbeck(&["upgrade", "--wait", "10m", "--json"]).ends(1).hides("server_awaited");
        assert_eq!(output.json()["error"]["code"], code, "{}", output.said());
    }
}

fn a_wait_ends(engine: Engine) {
    let database = Database::new(engine);
    let door = Door::new(&database, b"");
    let sandbox = project(&database, &door.url(&database));
    sandbox.limbeck(&["status", "--wait", "120ms"]).ends(1).says("Waiting for").says("(waited 0.12 s)");
}

fn ctrl_c_ends_a_wait(engine: Engine) {
    let database = Database::new(engine);
    let door = Door::new(&database, b"");
    let sandbox = project(&database, &door.url(&database));
    let (child, said, _) = waiting(&sandbox, "10m");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let rest = ends(child, said, 130);
    assert!(rest.contains("nothing was changed"), "{rest}");
}

fn a_file_is_not_waited_for(engine: Engine) {
    let database = Database::new(engine);
    let sandbox = project(&database, "sqlite:///no/such/folder/data.db");
    let output = sandbox.limbeck(&["upgrade", "--wait", "10m"]).ends(1).hides("Waiting");
    assert!(output.said().contains("does not exist"), "{}", output.said());
}
