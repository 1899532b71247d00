//! What a role may do, and the session it works in, change while a revision waits.

use std::process::{Output, Stdio};

use crate::case::{Case, UP};
use crate::effort::{self, Dice};
use crate::engine::{Engine, unique};
use crate::raw::Raw;
use crate::said::Said;
use crate::story::{Mode, Story};
use crate::truth;

on_engines! {
    the_books_may_no_longer_be_written on postgresql mariadb mysql;
    nothing_may_be_made_any_more on postgresql;
    the_session_is_ended on postgresql mariadb mysql;
}

const PASSWORD: &str = "correct horse";

/// A chain with a gate, its first revision applied by the owner of the books.
struct Gate {
    case: Case,
    keeper: Raw,
    name: String,
    before: std::collections::BTreeSet<String>,
}

impl Gate {
    fn new(engine: Engine, mode: Mode) -> Self {
        let name = unique();
        let pass = match engine {
            Engine::PostgreSql => format!("SELECT pg_advisory_lock(hashtext('{name}'))"),
            _ => format!("SELECT GET_LOCK('{name}', 60)"),
        };
        let story = Story::gated(engine, mode, &pass);
        let mut case = Case::new(story, Dice::new(&format!("gate {}", engine.name())));
        let first = case.story.chapters[0].id.clone();
        case.sandbox.limbeck(&["upgrade", &first]).ends(0);
        let mut keeper = case.database.raw();
        keeper.run(&pass);
        let before = case.applied();
        Self { case, keeper, name, before }
    }

    /// Runs an upgrade, does `meanwhile` while it waits at the gate, and lets it through.
    fn upgrade(&mut self, meanwhile: impl FnOnce(&mut Raw)) -> Said {
        let engine = self.case.story.engine;
        let mut command = self.case.sandbox.command(UP);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("limbeck starts");
        let waiting = match engine {
            Engine::PostgreSql => {
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            }
            _ => {
                "SELECT id FROM information_schema.processlist WHERE db = database() AND state = 'User lock'"
            }
        };
        while self.case.raw.rows(waiting).is_empty() {
            assert_eq!(child.try_wait().expect("it can be asked"), None, "limbeck waits at the gate");
            std::thread::yield_now();
        }
        meanwhile(&mut self.case.raw);
        self.keeper.run(&match engine {
            Engine::PostgreSql => format!("SELECT pg_advisory_unlock(hashtext('{}'))", self.name),
            _ => format!("SELECT RELEASE_LOCK('{}')", self.name),
        });
        let output: Output = child.wait_with_output().expect("limbeck ends");
        Said::new(&output)
    }

    /// What was said is true, and with the rights given back all goes on.
    fn goes_on(mut self, said: &Said, again: &[String]) {
        assert_eq!(said.code, Some(1));
        // The gatekeeper's own connection is not limbeck's.
        drop(self.keeper);
        let truth = self.case.check("rights taken away");
        said.holds(&truth, &self.before);
        for statement in again {
            self.case.raw.run(statement);
        }
        self.case.settle(None);
        self.case.sandbox.limbeck(UP).ends(0);
        let truth = self.case.check("rights given back");
        assert_eq!(truth.applied().len(), self.case.story.chapters.len());
        truth::log_agrees(&self.case.story, &truth, &mut self.case.raw);
    }

    /// A role that may make things, and write the books that belong to another; limbeck works as it from now on.
    fn role(&mut self) -> String {
        let user = self.case.database.user(PASSWORD);
        self.case.sandbox.set("CORTEX_DATABASE_URL", self.case.database.url_as(&user, "correct%20horse"));
        match self.case.story.engine {
            Engine::PostgreSql => {
                for grant in [
                    "GRANT CREATE, USAGE ON SCHEMA public TO",
                    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO",
                    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO",
                ] {
                    self.case.raw.run(&format!("{grant} {user}"));
                }
                user
            }
            _ => {
                let name = &self.case.database.name;
                let who = format!("'{user}'@'%'");
                self.case.raw.run(&format!("GRANT CREATE, ALTER, DROP, INDEX ON {name}.* TO {who}"));
                for table in ["limbeck_revisions", "limbeck_log"] {
                    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON";
                    self.case.raw.run(&format!("{grant} {name}.{table} TO {who}"));
                }
                who
            }
        }
    }
}

fn the_books_may_no_longer_be_written(engine: Engine) {
    let mut times = 0;
    for mode in [Mode::Wrapped, Mode::Each] {
        for (right, table) in [("UPDATE", "limbeck_revisions"), ("INSERT", "limbeck_log")] {
            let mut gate = Gate::new(engine, mode);
            let role = gate.role();
            let said = gate.upgrade(|admin| admin.run(&format!("REVOKE {right} ON {table} FROM {role}")));
            gate.goes_on(&said, &[format!("GRANT {right} ON {table} TO {role}")]);
            times += 1;
        }
    }
    effort::tally("rights", engine, &[("taken_away", times)]);
}

fn nothing_may_be_made_any_more(engine: Engine) {
    for mode in [Mode::Wrapped, Mode::Each] {
        let mut gate = Gate::new(engine, mode);
        let role = gate.role();
        let said = gate.upgrade(|admin| admin.run(&format!("REVOKE CREATE ON SCHEMA public FROM {role}")));
        gate.goes_on(&said, &[format!("GRANT CREATE ON SCHEMA public TO {role}")]);
    }
    effort::tally("rights", engine, &[("taken_away", 2)]);
}

fn the_session_is_ended(engine: Engine) {
    for mode in [Mode::Wrapped, Mode::Each] {
        let mut gate = Gate::new(engine, mode);
        let keeper = gate.keeper.lines(match engine {
            Engine::PostgreSql => "SELECT pg_backend_pid()",
            _ => "SELECT CONNECTION_ID()",
        });
        let said = gate.upgrade(|admin| truth::sever_all_but(engine, admin, &keeper));
        gate.goes_on(&said, &[]);
    }
}
