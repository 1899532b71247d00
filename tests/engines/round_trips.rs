//! How often limbeck waits for the server: a run of bytes to it followed by bytes from it is one round trip.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use limbeck::database_url::Address;

use crate::engine::{Database, Engine};
use crate::sandbox::Sandbox;

on_engines! {
    a_revision_is_one_round_trip on postgresql mariadb mysql;
    nothing_pending_is_a_few_round_trips on postgresql mariadb mysql;
}

const REVISIONS: usize = 100;

fn a_revision_is_one_round_trip(engine: Engine) {
    let database = Database::new(engine);
    let wire = Wire::new(&database);
    let sandbox = project(&database, &wire);
    sandbox.limbeck(&["upgrade"]).ends(0);
    assert_eq!(database.raw().states().len(), REVISIONS);
    let found = wire.round_trips();
    report(engine, &format!("{REVISIONS} revisions: {found} round trips"));
    let spare = if engine == Engine::PostgreSql { 12 } else { 14 };
    assert!(found <= REVISIONS + REVISIONS / 10 + spare, "{REVISIONS} revisions took {found} round trips");
}

fn nothing_pending_is_a_few_round_trips(engine: Engine) {
    let database = Database::new(engine);
    let wire = Wire::new(&database);
    let sandbox = project(&database, &wire);
    sandbox.limbeck(&["upgrade"]).ends(0);
    for command in ["upgrade", "check", "status"] {
        let before = wire.round_trips();
        sandbox.limbeck(&[command]).ends(0);
        let found = wire.round_trips() - before;
        report(engine, &format!("{command} with nothing pending: {found} round trips"));
        assert!(found <= 8, "{command} with nothing pending took {found} round trips");
    }
}

/// A hundred revisions, and limbeck that reaches its database by way of `wire`, without TLS.
fn project(database: &Database, wire: &Wire) -> Sandbox {
    let mut sandbox = Sandbox::new(database);
    let mut parent = String::new();
    for number in 1..=REVISIONS {
        let id = format!("{number:012x}");
        sandbox.revision(
            &id,
            &parent,
            &format!(
                "-- limbeck:upgrade\nCREATE TABLE t{number} (id int PRIMARY KEY);\n-- limbeck:downgrade\nDROP TABLE t{number};\n"
            ),
        );
        parent = id;
    }
    let address = Address { host: "127.0.0.1".to_owned(), port: wire.port, ..database.address() };
    sandbox.set("CORTEX_DATABASE_URL", format!("{}?sslmode=disable", database.url_of(&address)));
    sandbox
}

/// The number is worth reading also when the test passes.
fn report(engine: Engine, text: &str) {
    let line = format!("round trips: {}: {text}\n", engine.name());
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// A TCP port that passes everything on to the server and counts.
pub struct Wire {
    pub port: u16,
    count: Arc<Mutex<Count>>,
}

#[derive(Default)]
struct Count {
    asked: bool,
    round_trips: usize,
}

#[derive(Clone, Copy)]
enum From {
    Client,
    Server,
}

impl Wire {
    fn new(database: &Database) -> Self {
        Self::at("127.0.0.1", database)
    }

    /// A wire that begins at this address.
    pub fn at(host: &str, database: &Database) -> Self {
        let address = database.address();
        let listener = TcpListener::bind((host, 0)).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let count = Arc::new(Mutex::new(Count::default()));
        let counted = Arc::clone(&count);
        // It ends with the process: nothing tells it that the test is over.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((address.host.as_str(), address.port)) else { return };
                let (Ok(to_client), Ok(to_server)) = (client.try_clone(), server.try_clone()) else { return };
                let ends = [(From::Client, client, to_server), (From::Server, server, to_client)];
                for (from, source, target) in ends {
                    let count = Arc::clone(&counted);
                    thread::spawn(move || pass_on(from, source, target, &count));
                }
            }
        });
        Self { port, count }
    }

    fn round_trips(&self) -> usize {
        self.count.lock().expect("no panic").round_trips
    }
}

fn pass_on(from: From, mut source: TcpStream, mut target: TcpStream, count: &Mutex<Count>) {
    let _ = target.set_nodelay(true);
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = source.read(&mut buffer) {
        // Counted before it is passed on, so that the answer cannot be seen first.
        if let Ok(mut count) = count.lock() {
            match from {
                From::Client => count.asked = true,
                From::Server => count.round_trips += usize::from(std::mem::take(&mut count.asked)),
            }
        }
        if target.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = target.shutdown(Shutdown::Write);
}
