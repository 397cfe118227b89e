//! `ballast gov diff`: what would change, which way it may go, and when.

use clap::Args;
use serde::Serialize;

use super::accounts::draft_for;
use super::describe::{Described, described};
use super::wanted::Wanted;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Report;

/// Show what would change, and which way it may go
#[derive(Args, Debug)]
pub struct Diff {
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Diffs(Vec<Described>);

impl Report for Diffs {
    fn text(&self) -> String {
        self.0.iter().map(Described::text).collect::<Vec<_>>().join("\n")
    }
}

impl Diff {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let proposals = self.wanted.proposals(&chain)?;
        let mut diffs = vec![];
        for proposal in &proposals {
            let draft = draft_for(context, &chain, proposal).await?;
            diffs.push(described(&chain.market, proposal, draft.as_ref().map(|(_, draft)| &**draft), chain.now));
        }
        context.show(&Diffs(diffs))
    }
}
