//! What holds for every chain, every revision file and every URL, tried on random ones.

#[expect(dead_code, reason = "the case files use more of it")]
#[path = "plan/table.rs"]
mod table;
#[expect(dead_code, reason = "the case files use more of it")]
#[path = "plan/written.rs"]
mod written;

use std::collections::BTreeSet;

use limbeck::chain::layout::{LIMBECK, NewRevision};
use limbeck::chain::{Chain, Downgrade, Goal, GoalError, RevisionId};
use limbeck::database_url::{DatabaseUrl, Place, Secret};
use limbeck::dialect::{Backend, Server};
use limbeck::ledger::{Books, Content, Format, Ledger, Tables};
use limbeck::plan::{Facts, Late, Order, Plan, PlanError, Policy, Purge};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use table::Table;
use written::Written;

/// How the revisions of a random chain stand on each other.
#[derive(Clone, Copy)]
enum Graph {
    /// Several roots, merges, dependencies across branches.
    Any,
    /// Each revision stands on one other, or on none.
    Forest,
}

/// Where a random revision stands: parents, dependencies, number, whether it has one parent at most.
type Node = (Vec<Index>, Vec<Index>, Option<u64>, bool);

/// Up to a dozen revisions, in the order in which they were written; ids and numbers are in no order.
fn graph(graph: Graph) -> impl Strategy<Value = Vec<Written>> {
    let edges = || prop::collection::vec(any::<Index>(), 0..4);
    let node =
        (edges(), prop::collection::vec(any::<Index>(), 0..2), prop::option::of(1..20_u64), any::<bool>());
    let ids = Just((0..12).collect::<Vec<usize>>()).prop_shuffle();
    (prop::collection::vec(node, 0..12), ids).prop_map(move |(nodes, ids)| {
        let id = |at: usize| format!("r{:03}", ids[at]);
        let named = |at: usize, indices: &[Index], most: usize| {
            let places: BTreeSet<usize> =
                indices.iter().take(most).filter(|_| at > 0).map(|i| i.index(at)).collect();
            places.into_iter().map(id).collect::<Vec<_>>()
        };
        let revision = |(at, node): (usize, &Node)| {
            let (parents, depends, number, first) = node;
            let (most, needs) = match graph {
                Graph::Any => (if *first { 1 } else { 3 }, 1),
                Graph::Forest => (1, 0),
            };
            Written {
                id: id(at),
                parents: named(at, parents, most),
                depends: named(at, depends, needs),
                number: *number,
                ..Written::default()
            }
        };
        nodes.iter().enumerate().map(revision).collect()
    })
}

/// A chain and its books.
struct World {
    chain: Chain,
    table: Table,
}

impl World {
    fn new(written: &[Written]) -> Self {
        Self { chain: written::read(written, Backend::Postgres), table: Table::default() }
    }

    fn plan<T>(&self, plan: impl FnOnce(&Facts<'_>) -> T) -> T {
        let books = Books { tables: Tables::Present, content: Content::Some, rows: self.table.rows() };
        let format = Format::limbeck(None, "default");
        plan(&Facts {
            chain: &self.chain,
            books: &books,
            server: &Server::assumed(Backend::Postgres),
            format: &format,
            policy: Policy { late: Late::Apply, ..Policy::default() },
        })
    }

    /// Plans and carries out, on the books alone.
    fn go(&mut self, plan: impl FnOnce(&Facts<'_>) -> Result<Plan, PlanError>) -> Result<Plan, PlanError> {
        let plan = self.plan(plan)?;
        self.table.take(&plan).unwrap_or_else(|what| panic!("the books cannot take the plan: {what}"));
        Ok(plan)
    }

    fn upgrade(&mut self, goal: &str) -> Plan {
        let goal = parsed(goal);
        self.go(|facts| facts.upgrade(&goal)).unwrap_or_else(|error| panic!("upgrade {goal}: {error}"))
    }

    fn downgrade(&mut self, goal: &str) -> Plan {
        let goal = parsed(goal);
        self.go(|facts| facts.downgrade(&goal)).unwrap_or_else(|error| panic!("downgrade {goal}: {error}"))
    }

    fn stamp(&mut self, goal: &str) -> Plan {
        let goal = parsed(goal);
        self.go(|facts| facts.stamp(&[goal], Purge::No)).expect("it can be stamped")
    }

    fn applied(&self) -> BTreeSet<usize> {
        Ledger::read(&self.chain, &self.table.rows()).applied
    }

    /// A revision of the chain, or `base` when there is none.
    fn some(&self, index: Index) -> String {
        match self.chain.len() {
            0 => "base".to_owned(),
            count => self.chain.revisions()[index.index(count)].id.to_string(),
        }
    }
}

fn parsed(goal: &str) -> Goal {
    goal.parse().unwrap_or_else(|error| panic!("{goal}: {error}"))
}

fn ids(plan: &Plan) -> Vec<RevisionId> {
    plan.steps.iter().map(|step| step.revision.id.clone()).collect()
}

/// The revisions that a step needs or is needed by, looked up in what was written.
fn below<'a>(written: &'a [Written], id: &RevisionId) -> impl Iterator<Item = &'a String> {
    let found = written.iter().find(|written| written.id == id.as_str()).expect("it was written");
    found.parents.iter().chain(&found.depends)
}

/// A line of text as a person would type it.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,40}",
        "[\\p{L}\\p{N}\\p{P}\\p{S} ]{1,30}",
        select(vec![
            "add: ", "a: b", "#12", "-- x", "Revises", "it's", "None", "\"q\"", "a; b", "größe", "'", "/* x"
        ])
        .prop_map(str::to_owned),
    ]
    .prop_map(|text| text.trim().to_owned())
    .prop_filter("it says something, and it says it to people", |text| {
        let name = text.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        let header = ["revision id", "revises", "create date", "branch labels", "depends on"];
        let is_header = text.contains(':') && header.contains(&name.as_str());
        !(text.is_empty() || text.starts_with("limbeck:") || is_header)
    })
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_.][A-Za-z0-9_.-]{0,20}".prop_filter("Alembic's word for nothing", |id| id != "None")
}

fn list() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(id(), 0..4)
}

/// Text that is likely to look like a revision file, but not quite.
fn nearly_a_file() -> impl Strategy<Value = Vec<u8>> {
    let pieces = select(vec![
        "-- ",
        "--",
        "# ",
        "\n",
        "\r\n",
        "\u{feff}",
        "Revision ID:",
        "Revises: ",
        "Depends On:",
        "Branch Labels:",
        "a",
        "limbeck:",
        "-- limbeck:upgrade\n",
        "-- limbeck:downgrade\n",
        "-- limbeck:no-transaction\n",
        "-- limbeck:irreversible because\n",
        "-- Revision ID: a\n",
        "'",
        "\"",
        "`",
        "$$",
        "/*",
        "*/",
        ";",
        "SELECT 1;",
        "DELIMITER //\n",
        "//",
        "\\x",
        "COPY t FROM stdin;",
        "BEGIN ",
        "END;",
        "ü€",
        "\0",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn the_order_of_the_files_does_not_matter(
        (written, shuffled) in graph(Graph::Any).prop_flat_map(|written| (Just(written.clone()), Just(written).prop_shuffle())),
    ) {
        let (mut one, mut other) = (World::new(&written), World::new(&shuffled));
        prop_assert_eq!(ids(&one.upgrade("heads")), ids(&other.upgrade("heads")));
        prop_assert_eq!(ids(&one.downgrade("base")), ids(&other.downgrade("base")));
    }

    #[test]
    fn nothing_is_late_in_a_chain_that_stays_as_it_is(
        written in graph(Graph::Any),
        goals in proptest::collection::vec(any::<Index>(), 0..4),
    ) {
        let mut world = World::new(&written);
        let goals: Vec<String> = goals.into_iter().map(|goal| world.some(goal)).collect();
        for goal in goals.iter().map(String::as_str).chain(["heads"]) {
            prop_assert!(world.upgrade(goal).late().is_empty(), "{goal}");
        }
    }

    #[test]
    fn parents_come_first_on_the_way_up_and_last_on_the_way_down(written in graph(Graph::Any), goal in any::<Index>()) {
        let mut world = World::new(&written);
        let goal = world.some(goal);
        for plan in [world.upgrade(&goal), world.upgrade("heads")] {
            let steps = ids(&plan);
            for (at, id) in steps.iter().enumerate() {
                for parent in below(&written, id) {
                    prop_assert!(!steps[at..].iter().any(|later| later.as_str() == parent), "{id} before {parent}");
                }
            }
            prop_assert!(plan.steps.iter().all(|step| step.direction.verb() == "upgrade"));
        }
        for plan in [world.downgrade(&goal), world.downgrade("base")] {
            let steps = ids(&plan);
            for (at, id) in steps.iter().enumerate() {
                for parent in below(&written, id) {
                    prop_assert!(!steps[..at].iter().any(|sooner| sooner.as_str() == parent), "{id} after {parent}");
                }
            }
        }
    }

    #[test]
    fn all_the_way_up_and_all_the_way_down_leaves_nothing(written in graph(Graph::Any)) {
        let mut world = World::new(&written);
        let up = world.upgrade("heads");
        prop_assert_eq!(up.steps.len(), written.len());
        prop_assert!(up.steps.iter().all(|step| step.order == Order::InOrder), "nothing was applied before");
        prop_assert_eq!(world.table.rows().len(), written.len());
        prop_assert!(world.upgrade("heads").steps.is_empty());
        let mut down = ids(&world.downgrade("base"));
        down.reverse();
        prop_assert_eq!(down, ids(&up));
        prop_assert!(world.table.rows().is_empty());
        prop_assert_eq!(world.table.log.len(), 2 * written.len());
    }

    #[test]
    fn what_is_applied_always_has_all_that_it_stands_on(
        written in graph(Graph::Any), acts in prop::collection::vec((0..4_usize, any::<Index>()), 1..6),
    ) {
        let mut world = World::new(&written);
        for (act, goal) in acts {
            let goal = world.some(goal);
            let at = world.chain.find(&goal).ok();
            match act {
                0 => drop(world.upgrade(&goal)),
                1 => drop(world.stamp(&goal)),
                2 if at.is_some_and(|at| world.applied().contains(&at)) => drop(world.downgrade(&goal)),
                2 => {}
                _ if at.is_some() => drop(world.stamp(&format!("{goal}-1"))),
                _ => drop(world.stamp("base")),
            }
            let applied = world.applied();
            prop_assert_eq!(&world.chain.ancestors(applied.iter().copied()), &applied);
            if let (0 | 1, Some(at)) = (act, at) {
                prop_assert!(applied.contains(&at));
            }
        }
    }

    #[test]
    fn a_way_up_can_be_gone_back(written in graph(Graph::Forest), start in any::<Index>(), goal in any::<Index>()) {
        let mut world = World::new(&written);
        let goal = world.some(goal);
        let there = world.chain.find(&goal).ok();
        let way: Vec<usize> = there.map(|at| world.chain.ancestors([at]).into_iter().collect()).unwrap_or_default();
        let start = if way.is_empty() { "base".to_owned() } else {
            world.chain.revisions()[way[start.index(way.len())]].id.to_string()
        };
        world.upgrade(&start);
        let before = world.table.states();
        let up = world.upgrade(&goal);
        let after = world.table.states();
        world.downgrade(&start);
        prop_assert_eq!(world.table.states(), before.clone());
        // The same way by steps, and by `goto`.
        world.upgrade(&goal);
        world.downgrade(&format!("-{}", up.steps.len()));
        prop_assert_eq!(world.table.states(), before.clone());
        let (there, back) = (parsed(&goal), parsed(&start));
        world.go(|facts| facts.goto(&there)).expect("it is ahead");
        prop_assert_eq!(world.table.states(), after);
        world.go(|facts| facts.goto(&back)).expect("it is behind");
        prop_assert_eq!(world.table.states(), before);
    }

    #[test]
    fn every_step_up_can_be_taken_back_alone(written in graph(Graph::Any), start in any::<Index>(), goal in any::<Index>()) {
        let mut world = World::new(&written);
        let (start, goal) = (world.some(start), world.some(goal));
        world.upgrade(&start);
        let before = world.table.states();
        let up = world.upgrade(&goal);
        for id in ids(&up).iter().rev() {
            let down = world.downgrade(&format!("{id}-1"));
            prop_assert_eq!(ids(&down), vec![id.clone()]);
        }
        prop_assert_eq!(world.table.states(), before);
    }

    #[test]
    fn a_downgrade_leaves_its_goal_and_nothing_above_it(written in graph(Graph::Any), goal in any::<Index>()) {
        let mut world = World::new(&written);
        world.upgrade("heads");
        let goal = world.some(goal);
        let Ok(at) = world.chain.find(&goal) else { return Ok(()) };
        world.downgrade(&goal);
        let left = world.applied();
        prop_assert!(left.contains(&at));
        prop_assert!(world.chain.children(at).iter().all(|child| !left.contains(child)));
    }

    #[test]
    fn two_halves_are_a_whole(written in graph(Graph::Any), steps in 0..6_usize, goal in any::<Index>()) {
        let mut whole = World::new(&written);
        whole.upgrade("heads");
        let mut halves = World::new(&written);
        let first = parsed(&format!("+{steps}"));
        match halves.go(|facts| facts.upgrade(&first)) {
            Ok(plan) => prop_assert!(plan.steps.len() >= steps),
            Err(PlanError::Goal(GoalError::Fork { ways, .. })) => prop_assert!(ways.len() > 1),
            Err(PlanError::Goal(GoalError::TooFar { left, .. })) => prop_assert!(left < steps),
            Err(error) => prop_assert!(false, "{error}"),
        }
        halves.upgrade("heads");
        prop_assert_eq!(halves.table.states(), whole.table.states());
        let mut halves = World::new(&written);
        let goal = halves.some(goal);
        let first = halves.upgrade(&goal).steps.len();
        let second = halves.upgrade("heads").steps.len();
        prop_assert_eq!(first + second, written.len());
        prop_assert_eq!(halves.table.states(), whole.table.states());
    }

    #[test]
    fn a_stamp_says_what_an_upgrade_does(written in graph(Graph::Any), goal in any::<Index>()) {
        let (mut stamped, mut upgraded) = (World::new(&written), World::new(&written));
        let goal = stamped.some(goal);
        stamped.stamp(&goal);
        upgraded.upgrade(&goal);
        prop_assert_eq!(stamped.table.rows(), upgraded.table.rows());
        prop_assert!(stamped.upgrade(&goal).steps.is_empty());
    }

    #[test]
    fn a_new_file_is_read_as_it_was_written(
        id in id(), message in line(), parents in list(), labels in list(), depends_on in list(), replaces in list(), created in "[0-9][0-9: .-]{0,25}[0-9]",
    ) {
        let new = NewRevision {
            id: &id, message: &message, parents: &parents, labels: &labels, depends_on: &depends_on, replaces: &replaces,
            sections: None, created: &created,
        };
        let text = LIMBECK.write(&new);
        for backend in Backend::ALL {
            let read = LIMBECK.read(backend.dialect().lexis(), "x.sql", text.clone().into_bytes());
            let read = read.map_err(|error| TestCaseError::fail(format!("{backend}: {error}\n{text}")))?;
            prop_assert_eq!((read.id.as_str(), &read.message), (id.as_str(), &message), "{}\n{}", backend, text);
            prop_assert_eq!(read.parents.iter().map(ToString::to_string).collect::<Vec<_>>(), parents.clone());
            prop_assert_eq!(read.replaces.iter().map(ToString::to_string).collect::<Vec<_>>(), replaces.clone());
            prop_assert_eq!((&read.labels, &read.depends_on), (&labels, &depends_on));
            prop_assert_eq!(read.created.as_deref(), Some(created.as_str()));
            prop_assert!(read.upgrade.statements.is_empty());
            prop_assert!(matches!(read.downgrade, Downgrade::Script(script) if script.statements.is_empty()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn any_bytes_are_a_revision_or_an_error_with_a_place(bytes in nearly_a_file()) {
        for backend in Backend::ALL {
            match LIMBECK.read(backend.dialect().lexis(), "x.sql", bytes.clone()) {
                Ok(revision) => {
                    let text = revision.source.text();
                    let statements = revision.upgrade.statements.iter();
                    prop_assert!(statements.map(|found| found.span).all(|span| text.get(span.start..span.end).is_some()));
                    prop_assert!(!revision.id.as_str().is_empty());
                }
                Err(error) => {
                    prop_assert!(error.span.start <= error.span.end);
                    prop_assert!(error.span.start <= error.source_text.text().len());
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_goal_or_an_error(text in prop_oneof![any::<String>(), "[+@0-9a-z-]{0,12}"]) {
        if let Ok(goal) = text.parse::<Goal>() {
            prop_assert_eq!(goal.to_string().parse::<Goal>(), Ok(goal));
        }
    }

    #[test]
    fn any_text_is_a_url_or_an_error(
        text in prop_oneof![any::<String>(), "(sqlite|postgres|mysql)?:?/{0,3}[a-c:@/?#%&=\\[\\]ü0-9.]{0,30}"],
    ) {
        if let Ok(url) = DatabaseUrl::parse(&text) {
            prop_assert!(url.to_string().contains(':'));
        }
    }

    #[test]
    fn a_password_is_read_and_never_shown(
        backend in select(vec!["postgresql", "mysql"]),
        password in prop_oneof!["[ -~]{4,20}", "[\\p{L}@:/?#%]{4,12}"].prop_filter(
            "it is no part of the rest",
            |password| !"postgresql mysql user db.example cortex 5432 3306 ://@".contains(password.as_str()),
        ),
    ) {
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = DatabaseUrl::parse(&format!("{backend}://user:{encoded}@db.example/cortex")).expect("it is a URL");
        let Place::Server(address) = &url.place else { panic!("{url} is no server") };
        prop_assert_eq!(address.password.as_ref().map(Secret::reveal), Some(password.as_str()));
        for text in [format!("{url}"), format!("{url:?}"), format!("{address:?}")] {
            prop_assert!(!text.contains(&password) && text.contains("***"), "{}", text);
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_shown_either(
        password in "[a-z@:/?#]{4,16}".prop_filter("it is no part of the rest", |password| {
            !"postgresql://user:***@db.example:5432/cortex".contains(password.as_str())
        }),
    ) {
        let url = format!("postgresql://user:{password}@db.example/cortex");
        match DatabaseUrl::parse(&url) {
            Ok(url) => prop_assert!(!format!("{url} {url:?} {:?}", url.unused).contains(&password), "{}", url),
            Err(error) => prop_assert!(!error.to_string().contains(&password), "{}", error),
        }
    }
}
