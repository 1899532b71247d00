//! `--plan FILE`: a reviewed plan, applied exactly or refused with the difference.

use std::path::Path;

use crate::chain::{Direction, Goal};
use crate::error::{Class, Error};
use crate::manager::MigrationManager;
use crate::plan::{Late, Plan};
use crate::plan_file::{Difference, PlanFile};

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::plan_files;
use super::super::words::Failure;
use super::change::{self, Manner, Question};

/// Carries out the plan of `file`, which goes `direction` if that is said.
pub(super) fn run(
    context: &Context,
    file: &Path,
    direction: Option<Direction>,
    manner: &Manner,
) -> Result<Exit, Failure> {
    let path = context.here.join(file);
    let kept = plan_files::read(&path, file)?;
    let stale = |difference| Failure::stale_plan(file, &[difference]);
    if direction.is_some_and(|direction| direction.verb() != kept.direction) {
        return Err(Failure::usage(
            format!("the plan in {} is one of `limbeck {}`", file.display(), kept.direction),
            format!("For example: limbeck {} --plan {}", kept.direction, file.display()),
        ));
    }
    let goal: Goal = kept
        .goal
        .parse()
        .map_err(|_| stale(Difference::Damaged(format!("its goal `{}` is none", kept.goal))))?;
    // Without --service it is the file that picks one.
    let named = context.service.as_deref().unwrap_or(&kept.service);
    let services = context.config.chosen(Some(named)).map_err(|error| match context.service {
        Some(_) => Failure::from(error),
        None => stale(Difference::NoPlan(error.to_string())),
    })?;
    let Some(service) = services.first() else {
        return Err(stale(Difference::NoPlan(format!("there is no service {named}"))));
    };
    let url = service.database()?;
    let same = |manager: &MigrationManager| -> Result<Plan, Failure> {
        let plan = manager.plan_goto(&goal).map_err(|error: Error| match error.class() {
            // The revision that it goes to is gone.
            Class::Usage => stale(Difference::NoPlan(error.to_string())),
            _ => Failure::from(error),
        })?;
        let now = PlanFile::of(&plan, manager.policy(), url, plan_files::now());
        let differences = kept.differences(&now);
        if differences.is_empty() { Ok(plan) } else { Err(Failure::stale_plan(file, &differences)) }
    };
    // Whoever reviewed the plan saw what is late in it.
    let manner = Manner { late: manner.late.or(Some(Late::Apply)), ..manner.clone() };
    change::run(context, service, &manner, Question::Asked, same)
}
