//! A proxy between limbeck and a server, which knows where a message of the client ends, and what to do then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use limbeck::database_url::Address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::engine::Engine;
use crate::raw::runtime;

/// What happens to the client's messages.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The message of this number, from 1, does not come through, and the connection ends.
    Before(usize),
    /// It comes through, the server begins to answer, and the connection ends before the client hears of it.
    Answer(usize),
    /// It comes through, and the connection is reset at once, on both sides.
    Reset(usize),
    /// Every message takes its time.
    Slow(Duration),
}

/// A proxy; it ends with this value.
pub struct Proxy {
    pub port: u16,
    seen: Arc<AtomicUsize>,
    /// Dropping it ends the thread.
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Proxy {
    pub fn start(engine: Engine, server: &Address, fault: Fault) -> Self {
        let runtime = runtime();
        let seen = Arc::new(AtomicUsize::new(0));
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let target = SocketAddr::new(server.host.parse().expect("an IP address"), server.port);
        let counter = Arc::clone(&seen);
        let serve = async move {
            while let Ok((client, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        // An end of either side is the end of the connection.
                        let _ = carry(engine, client, server, fault, &counter).await;
                    }
                });
            }
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self { port, seen, _stop: stop }
    }

    /// How many messages the client has sent.
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn carry(
    engine: Engine,
    mut client: TcpStream,
    mut server: TcpStream,
    fault: Fault,
    seen: &AtomicUsize,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut begun = false;
    let mut unsent = Vec::new();
    let (mut asked, mut answered) = ([0; 1 << 14], [0; 1 << 14]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                unsent.extend_from_slice(&asked[..read]);
                while let Some(length) = message(engine, begun, &unsent) {
                    begun = true;
                    let message: Vec<u8> = unsent.drain(..length).collect();
                    let number = seen.fetch_add(1, Ordering::SeqCst) + 1;
                    match fault {
                        Fault::Before(at) if at == number => return Ok(()),
                        Fault::Answer(at) if at == number => {
                            server.write_all(&message).await?;
                            let _ = server.read(&mut answered).await?;
                            return Ok(());
                        }
                        Fault::Reset(at) if at == number => {
                            server.write_all(&message).await?;
                            client.set_zero_linger()?;
                            server.set_zero_linger()?;
                            return Ok(());
                        }
                        Fault::Slow(pause) => tokio::time::sleep(pause).await,
                        _ => {}
                    }
                    server.write_all(&message).await?;
                }
            }
            read = server.read(&mut answered) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&answered[..read]).await?;
            }
        }
    }
}

/// The length of the message that `bytes` begin with, once all of it is there.
fn message(engine: Engine, begun: bool, bytes: &[u8]) -> Option<usize> {
    let length = match engine {
        // https://www.postgresql.org/docs/current/protocol-message-formats.html: a letter, but for the first, then a length
        // that counts itself.
        Engine::PostgreSql => {
            let letter = usize::from(begun);
            let length = bytes.get(letter..letter + 4)?;
            letter + u32::from_be_bytes(length.try_into().ok()?) as usize
        }
        // https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
        _ => {
            let header = bytes.get(..4)?;
            4 + u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize
        }
    };
    (bytes.len() >= length).then_some(length)
}
