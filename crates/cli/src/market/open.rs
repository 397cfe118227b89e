//! `ballast market open`.

use clap::Args;
use serde::Serialize;

use super::actions;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::Sent;

/// End the set-up, so that people can use the market. From then on changes wait.
#[derive(Args, Debug)]
pub struct Open {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    market: String,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Opened {
    fn text(&self) -> String {
        facts([("Market", self.market.clone())]) + &self.sent.text()
    }
}

impl Open {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let market = match &context.options.market_account {
            Some(_) => context.market().await?.address,
            None => context.market_address()?,
        };
        let preview = vec![format!("Open market {market}: from now on changes wait, and this cannot be taken back")];
        let sent = actions::open(context, &market)?.send(context, preview).await?;
        context.show(&Opened { market: market.to_string(), sent })
    }
}
