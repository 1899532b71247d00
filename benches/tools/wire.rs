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
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    round_trips: AtomicUsize,
    sent: AtomicUsize,
}

/// What went over the line.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub round_trips: usize,
    /// Bytes from the client to the server.
    pub sent: usize,
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
        let wire = Self { port: listener.local_addr()?.port(), count: Arc::default() };
        let (host, counted) = (host.to_owned(), Arc::clone(&wire.count));
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

    /// What there was since this was last asked.
    pub fn traffic(&self) -> Traffic {
        let Count { round_trips, sent } = &*self.count;
        Traffic { round_trips: round_trips.swap(0, SeqCst), sent: sent.swap(0, SeqCst) }
    }
}

fn connect(client: TcpStream, server: (&str, u16), one_way: Duration, count: &Arc<Count>) -> Result<()> {
    let server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let there = Lane { from: client.try_clone()?, to: server.try_clone()?, one_way };
    let back = Lane { from: server, to: client, one_way };
    let asked = Arc::new(AtomicBool::new(false));
    let (noted, sent, answered) = (Arc::clone(&asked), Arc::clone(count), Arc::clone(count));
    let leaves = move |length| {
        noted.store(true, SeqCst);
        sent.sent.fetch_add(length, SeqCst);
    };
    let arrives = move || {
        if asked.swap(false, SeqCst) {
            answered.round_trips.fetch_add(1, SeqCst);
        }
    };
    there.open(leaves, || ());
    back.open(|_| (), arrives);
    Ok(())
}

impl Lane {
    /// What is read is on its way while more is read: a client that does not wait is not made to.
    fn open(self, leaves: impl Fn(usize) + Send + 'static, arrives: impl Fn() + Send + 'static) {
        let (send, receive) = channel();
        let Self { from, to, one_way } = self;
        spawn(move || depart(from, one_way, &send, leaves));
        spawn(move || arrive(to, &receive, arrives));
    }
}

fn depart(mut from: TcpStream, one_way: Duration, lane: &Sender<Parcel>, leaves: impl Fn(usize)) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        leaves(length);
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
