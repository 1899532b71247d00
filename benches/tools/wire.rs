//! A line to a server that is as long as one between two cities, and counts.

use std::io::{Read as _, Result, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// A port of 127.0.0.1 that passes everything on to a server, `one_way` later in each direction.
///
/// A round trip is counted as the client sees it: it has sent something, and then something arrives.
pub struct Wire {
    pub port: u16,
    round_trips: Arc<AtomicUsize>,
}

/// One direction of one connection.
struct Lane {
    from: TcpStream,
    to: TcpStream,
    one_way: Duration,
}

type Parcel = (Instant, Vec<u8>);

impl Wire {
    pub fn to(host: &str, port: u16, one_way: Duration) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let wire = Self { port: listener.local_addr()?.port(), round_trips: Arc::default() };
        let (host, counted) = (host.to_owned(), Arc::clone(&wire.round_trips));
        // It ends with the process.
        spawn(move || {
            for client in listener.incoming().flatten() {
                if let Err(error) = connect(client, (&host, port), one_way, &counted) {
                    eprintln!("the line to {host}:{port}: {error}");
                }
            }
        });
        Ok(wire)
    }

    /// How many round trips there were since this was last asked.
    pub fn round_trips(&self) -> usize {
        self.round_trips.swap(0, SeqCst)
    }
}

fn connect(
    client: TcpStream,
    server: (&str, u16),
    one_way: Duration,
    counted: &Arc<AtomicUsize>,
) -> Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let there = Lane { from: client.try_clone()?, to: server.try_clone()?, one_way };
    let back = Lane { from: server, to: client, one_way };
    let (asked, answered) = (Arc::new(AtomicBool::new(false)), Arc::clone(counted));
    let noted = Arc::clone(&asked);
    there.open(move || noted.store(true, SeqCst), || ());
    back.open(
        || (),
        move || {
            if asked.swap(false, SeqCst) {
                answered.fetch_add(1, SeqCst);
            }
        },
    );
    Ok(())
}

impl Lane {
    /// What is read is on its way while more is read: a client that does not wait is not made to.
    fn open(self, sent: impl Fn() + Send + 'static, arrives: impl Fn() + Send + 'static) {
        let (send, receive) = channel();
        let Self { from, to, one_way } = self;
        spawn(move || depart(from, one_way, &send, sent));
        spawn(move || arrive(to, &receive, arrives));
    }
}

fn depart(mut from: TcpStream, one_way: Duration, lane: &Sender<Parcel>, sent: impl Fn()) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        sent();
        if lane.send((Instant::now() + one_way, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
}

fn arrive(mut to: TcpStream, lane: &Receiver<Parcel>, arrives: impl Fn()) {
    for (due, bytes) in lane {
        sleep(due.saturating_duration_since(Instant::now()));
        arrives();
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
