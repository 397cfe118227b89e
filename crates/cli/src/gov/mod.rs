//! `ballast gov ..`: what governance, guardian, steward, and whoever watches them do with a market.

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Failure;

pub mod accounts;
mod acts;
pub mod describe;
mod diff;
mod impact;
mod message;
pub mod model;
mod roles;
mod status;
mod terms;
mod wanted;

/// Commands of governance.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change, which way it may go, and when
    Diff(diff::Diff),
    /// Count the vaults and the money that changes would restrict or make liquidatable
    Impact(impact::Impact),
    /// Propose changes; each waits in an account of its own
    Propose(acts::Propose),
    /// Apply changes at once: what only tightens, or anything in the set-up
    Apply(acts::Apply),
    /// Carry out a change that is due; anybody may
    Execute(acts::Execute),
    /// Cancel a change that waits
    Cancel(acts::Cancel),
    /// List pending changes, and what is under way
    Status(status::Status),
    /// Bring a model of correlation and stress into the market
    #[command(subcommand)]
    Model(model::Command),
    /// Show what a message or transaction does, before it is signed
    VerifyMessage(message::VerifyMessage),
    /// Show who holds which role
    Roles(roles::Roles),
    /// Accept a role that you were named for
    AcceptRole(roles::AcceptRole),
    /// Pause borrowing, withdrawing, or everything that depends on the price of an asset
    Pause(roles::Pause),
    /// End a pause
    Resume(roles::Resume),
}

impl Command {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Diff(diff) => diff.run(context).await,
            Self::Impact(impact) => impact.run(context).await,
            Self::Propose(propose) => propose.run(context).await,
            Self::Apply(apply) => apply.run(context).await,
            Self::Execute(execute) => execute.run(context).await,
            Self::Cancel(cancel) => cancel.run(context).await,
            Self::Status(status) => status.run(context).await,
            Self::Model(model) => model.run(context).await,
            Self::VerifyMessage(verify) => verify.run(context).await,
            Self::Roles(roles) => roles.run(context).await,
            Self::AcceptRole(accept) => accept.run(context).await,
            Self::Pause(pause) => pause.run(context).await,
            Self::Resume(resume) => resume.run(context).await,
        }
    }
}
