//! Everything that a local network starts with: the program, a market with prices, a crowd in it, and wallets for those who
//! are going to use it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use ballast_client::Pubkey;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::actors::{self, Crowd};
use crate::feed;
use crate::market::{Site, key};
use crate::network::Network;
use crate::prices::Frame;
use crate::random::Random;
use crate::settled::settle;

/// What the user's wallet holds of each asset, dollars.
const USER: u64 = 100_000;

/// A network with a market and a crowd in it.
pub struct Stage {
    pub network: Network,
    pub site: Site,
    pub crowd: Crowd,
    /// Liquidates; has an inventory of every asset.
    pub keeper: Arc<Keypair>,
    /// For whoever sits in front of the screen: tokens, and no vault yet.
    pub user: Arc<Keypair>,
}

/// What to begin with.
pub struct Opening<'a> {
    /// The compiled program.
    pub program: &'a Path,
    /// Borrowers.
    pub vaults: usize,
    pub seed: u64,
    pub first: &'a Frame,
}

impl Stage {
    /// Sets everything up; `tell` hears what comes next.
    ///
    /// # Errors
    /// A program that cannot be deployed, or a network that does not start or answer.
    pub async fn set(opening: &Opening<'_>, mut tell: impl FnMut(&str)) -> Result<Self> {
        let Opening { program, vaults, seed, first } = *opening;
        let mut random = Random::new(seed, "keys");
        let (payer, keeper, user) = (key(&mut random), key(&mut random), key(&mut random));
        tell("starting the network, deploying the program");
        let network = Network::start(&payer, program).await?;
        tell("creating the market");
        let (site, _) = Site::build(&network, payer, seed, first).await?;
        feed::publish(&network, &site.feeds, first, first).await?;
        site.refresh(&network.connection, &site.payer).await.context("the first prices")?;
        tell("settling the crowd");
        let crowd = Crowd::new(&site, seed, vaults, first)?;
        let wallets =
            [(keeper.pubkey(), actors::inventory(vaults, first)?), (user.pubkey(), actors::worth(USER, first)?)];
        settle(&network, &site, &crowd, &wallets).await?;
        let people = crowd.all().map(|actor| actor.key.pubkey());
        network.fund(people.chain([keeper.pubkey(), user.pubkey(), site.governance.pubkey()])).await?;
        Ok(Self { network, site, crowd, keeper, user })
    }

    /// All wallets that tokens ever went to.
    pub fn wallets(&self) -> Vec<Pubkey> {
        let people = self.crowd.all().map(|actor| actor.key.pubkey());
        people.chain([self.keeper.pubkey(), self.user.pubkey(), self.site.payer.pubkey()]).collect()
    }
}
