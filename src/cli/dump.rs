//! Copies of a server's database by the engine's own program. The password goes to it through its environment alone.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::database_url::{Address, DatabaseUrl, Place, TlsMode};
use crate::dialect::{Server, Vendor};
use crate::manager::{BackupError, Dump, Dumping};
use crate::stop::Stop;

use super::exit::Exit;
use super::words::Failure;

/// How often one looks whether the program has ended.
const TICK: Duration = Duration::from_millis(20);

/// A program that copies a server's database.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// Looks for it in PATH.
    pub fn find(server: &Server) -> Result<Self, Failure> {
        let names = server.dump_programs();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = names.iter().find_map(|name| {
            let in_folder = |folder: PathBuf| Some(folder.join(name)).filter(|path| path.is_file());
            std::env::split_paths(&path).find_map(in_folder)
        });
        let names = names.join(" or ");
        found.map(|path| Self { path }).ok_or_else(|| {
            let message = format!("{names} is needed for the copy of the database, and is not in PATH");
            Failure::new(Exit::Error, "no-program", message)
                .hint("Nothing was changed. Install it, or go on without a copy: --backup=never")
        })
    }
}

impl Dump for Program {
    fn dump<'a>(
        &'a self,
        url: &'a DatabaseUrl,
        server: &'a Server,
        into: File,
        stop: &'a Stop,
    ) -> Dumping<'a> {
        Box::pin(async move {
            let Place::Server(address) = &url.place else { return Err(BackupError::new("it is no server")) };
            let mut command = Command::new(&self.path);
            command.stdin(Stdio::null()).stdout(into).stderr(Stdio::piped());
            arguments(&mut command, address, server);
            let failed = |error| BackupError::new(format!("{}: {error}", self.path.display()));
            let mut child = command.spawn().map_err(failed)?;
            let said = child.stderr.take().map(|mut stderr| {
                std::thread::spawn(move || {
                    let mut said = String::new();
                    let _ = stderr.read_to_string(&mut said);
                    said
                })
            });
            let ended = watched(&mut child, stop).await.map_err(failed)?;
            let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
            match ended {
                Some(status) if status.success() => Ok(()),
                Some(status) => {
                    let said: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
                    let last = said[said.len().saturating_sub(3)..].join("; ");
                    Err(BackupError::new(format!("{} ended with {status}: {last}", self.path.display())))
                }
                None => Err(BackupError::Interrupted),
            }
        })
    }
}

/// Waits for the program; ends it and returns nothing when somebody asks to stop.
async fn watched(child: &mut Child, stop: &Stop) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop.is_asked() {
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        tokio::time::sleep(TICK).await;
    }
}

fn arguments(command: &mut Command, address: &Address, server: &Server) {
    let password = address.password.as_ref().map(|password| password.reveal());
    if server.vendor == Vendor::Postgres {
        command.args(["--format=custom", "--no-password"]).arg(format!("--dbname={}", conninfo(address)));
        command.envs(password.map(|password| ("PGPASSWORD", password)));
        return;
    }
    // Not the user's own options: a password among them would come before the one of the settings.
    command.args(["--no-defaults", "--single-transaction", "--routines", "--triggers", "--events"]);
    // Without the right to see tablespaces; and to be restored where the transactions are known already. MariaDB's program
    // does not know the latter.
    command.args(["--no-tablespaces", "--loose-set-gtid-purged=OFF"]);
    match &address.socket {
        Some(socket) => command.arg(format!("--socket={socket}")),
        None => command.args([
            "--protocol=tcp".to_owned(),
            format!("--host={}", address.host),
            format!("--port={}", address.port),
        ]),
    };
    command.args(address.user.as_ref().map(|user| format!("--user={user}")));
    tls_of_mysql(command, address, server);
    command.args(["--", address.database.as_deref().unwrap_or_default()]);
    command.envs(password.map(|password| ("MYSQL_PWD", password)));
}

/// <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE>
fn conninfo(address: &Address) -> String {
    let tls = &address.tls;
    let mode = tls.mode.map(|mode| match mode {
        TlsMode::Disable => "disable",
        TlsMode::Allow => "allow",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyCa => "verify-ca",
        TlsMode::VerifyFull => "verify-full",
    });
    let port = address.port.to_string();
    let host = address.socket.as_deref().unwrap_or(&address.host);
    let words = [
        ("host", Some(host)),
        ("port", Some(port.as_str())),
        ("user", address.user.as_deref()),
        ("dbname", address.database.as_deref()),
        ("sslmode", mode),
        ("sslrootcert", tls.ca.as_deref()),
        ("sslcert", tls.certificate.as_deref()),
        ("sslkey", tls.key.as_deref()),
        ("application_name", Some("limbeck")),
    ];
    let said = words.into_iter().filter_map(|(name, value)| {
        let value = value?.replace('\\', "\\\\").replace('\'', "\\'");
        Some(format!("{name}='{value}'"))
    });
    said.collect::<Vec<_>>().join(" ")
}

fn tls_of_mysql(command: &mut Command, address: &Address, server: &Server) {
    let tls = &address.tls;
    let flags: &[&str] = match (tls.mode, server.vendor) {
        (None, _) => &[],
        (Some(TlsMode::Disable), Vendor::MariaDb) => &["--skip-ssl"],
        (Some(TlsMode::Allow | TlsMode::Prefer), Vendor::MariaDb) => &[],
        (Some(TlsMode::Require), Vendor::MariaDb) => &["--ssl"],
        (Some(TlsMode::VerifyCa | TlsMode::VerifyFull), Vendor::MariaDb) => {
            &["--ssl", "--ssl-verify-server-cert"]
        }
        (Some(TlsMode::Disable), _) => &["--ssl-mode=DISABLED"],
        (Some(TlsMode::Allow | TlsMode::Prefer), _) => &["--ssl-mode=PREFERRED"],
        (Some(TlsMode::Require), _) => &["--ssl-mode=REQUIRED"],
        (Some(TlsMode::VerifyCa), _) => &["--ssl-mode=VERIFY_CA"],
        (Some(TlsMode::VerifyFull), _) => &["--ssl-mode=VERIFY_IDENTITY"],
    };
    command.args(flags);
    for (name, file) in [("--ssl-ca", &tls.ca), ("--ssl-cert", &tls.certificate), ("--ssl-key", &tls.key)] {
        command.args(file.as_ref().map(|file| format!("{name}={file}")));
    }
}
