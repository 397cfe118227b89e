//! Setting the market up: mints, oracle accounts, the market account, its assets.

use std::sync::Arc;

use anyhow::{Context, Result};
use ballast_client::local;
use ballast_client::parameters::{Listing, Row};
use ballast_client::risk::Usd;
use ballast_client::risk::price::Price;
use ballast_client::{Market, OracleKind, Pubkey, instruction, token};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::catalogue::{ASSETS, COUNT, Entry};
use crate::decimal::Decimal;
use crate::network::{Network, Placed};
use crate::oracle::Feeds;
use crate::prices::Frame;
use crate::random::Random;
use crate::rpc::{Connection, Job, Receipt};

/// Oldest price accepted, seconds.
const MAX_AGE: u32 = 300;
/// Averaging period of the time-weighted price, seconds.
const AVERAGE_PERIOD: u32 = 10_800;
/// Averaging period of the realised variance, seconds.
const VARIANCE_PERIOD: u32 = 86_400;
/// Largest volatility multiplier, in hundredths.
const VOLATILITY_LIMIT: u16 = 200;
/// A debt left smaller than this is closed whole: one dollar.
const DUST: u64 = 1_000_000;
/// Caps of deposits and of debts of one asset, dollars for 64 vaults.
const CAPS: [u64; 2] = [200_000_000, 150_000_000];

/// The market and everybody it trusts.
pub struct Site {
    pub market: Pubkey,
    /// Pays for everything that is not a user's, and mints the demo's tokens.
    pub payer: Arc<Keypair>,
    pub governance: Arc<Keypair>,
    pub mints: [Pubkey; COUNT],
    pub feeds: Feeds,
}

/// A key that is the same in every run with the same seed.
pub fn key(random: &mut Random) -> Arc<Keypair> {
    Arc::new(Keypair::new_from_array(random.bytes()))
}

/// The token program of an asset.
pub fn token_program(asset: usize) -> Pubkey {
    if ASSETS[asset].token_2022 { token::TOKEN_2022 } else { token::SPL_TOKEN }
}

/// How much of an asset micro-dollars buy at a price, rounded down.
///
/// # Errors
/// A price that the number format of the program does not hold.
pub fn units(asset: usize, price: Decimal, micro_dollars: u64) -> Result<u64> {
    let Entry { name, decimals, .. } = ASSETS[asset];
    let number = u64::try_from(price.number).context("a negative price")?;
    let price = Price::from_decimal_floor(number, price.exponent, decimals)
        .map_err(|_| anyhow::anyhow!("{name} at {}e{} dollars is out of range", price.number, price.exponent))?;
    Ok(price.amount_floor(Usd::new(micro_dollars)).get())
}

impl Site {
    /// Creates mints and oracle accounts by cheatcode, then the market and its assets by transactions.
    pub async fn build(
        network: &Network,
        payer: Arc<Keypair>,
        seed: u64,
        first: &Frame,
    ) -> Result<(Self, Vec<Receipt>)> {
        let mut random = Random::new(seed, "market");
        let (market, governance) = (key(&mut random), key(&mut random));
        let site = Self {
            market: market.pubkey(),
            payer,
            governance,
            mints: std::array::from_fn(|_| Pubkey::new_from_array(random.bytes())),
            feeds: Feeds { accounts: std::array::from_fn(|_| Pubkey::new_from_array(random.bytes())) },
        };
        let mint = |asset: usize| Placed {
            address: site.mints[asset],
            owner: token_program(asset),
            data: local::mint(&site.payer.pubkey(), ASSETS[asset].decimals, 0),
        };
        network.place((0..COUNT).map(mint).collect()).await.context("mints")?;
        let mut receipts = vec![network.connection.send(site.create(&market)?).await?];
        for (asset, price) in first.prices.iter().enumerate() {
            // One after the other: the order of listing is the index of the asset.
            receipts.push(network.connection.send(site.list(asset, *price)?).await?);
        }
        Ok((site, receipts))
    }

    fn create(&self, market: &Arc<Keypair>) -> Result<Job> {
        let (payer, governance) = (self.payer.pubkey(), self.governance.pubkey());
        let space = u64::try_from(Market::SPACE).context("size of the market")?;
        // What a byte has cost since genesis, for two years: an account that holds this is exempt from rent.
        let rent = space.saturating_add(128).saturating_mul(6_960);
        let instructions = instruction::create_market(&payer, &self.market, &governance, rent, DUST);
        Ok(Job::new("create_market", instructions.to_vec(), &[&self.payer, market, &self.governance]))
    }

    fn list(&self, asset: usize, price: Decimal) -> Result<Job> {
        let Entry { name, haircuts, addons, depth, volatility, bonus, curve, reserve_factor, .. } = ASSETS[asset];
        let [bonus_least_bps, bonus_most_bps, bonus_slope_bps] = bonus;
        let [deposit_cap, debt_cap] = CAPS.map(|dollars| units(asset, price, dollars * 1_000_000));
        let listing = Listing {
            name,
            oracle_kind: OracleKind::PythPull,
            oracle: Pubkey::new_from_array(Feeds::id(asset)),
            max_age: MAX_AGE,
            average_period: AVERAGE_PERIOD,
            max_confidence_bps: 200,
            confidence_multiple: 212,
            haircut_bps: haircuts,
            addon_bps: addons,
            depth_dollars: depth * 1_000_000,
            bonus_least_bps,
            bonus_most_bps,
            bonus_slope_bps,
            reserve_factor_bps: reserve_factor,
            curve: curve.to_vec(),
            deposit_cap: deposit_cap?,
            debt_cap: debt_cap?,
            variance_period: VARIANCE_PERIOD,
            daily_volatility_bps: volatility,
            volatility_limit: VOLATILITY_LIMIT,
            row: Row::default(),
        };
        let parameters = listing.parameters().with_context(|| format!("parameters of {name}"))?;
        let instruction = instruction::list_asset(
            &self.governance.pubkey(),
            &self.payer.pubkey(),
            &self.market,
            &self.mints[asset],
            &token_program(asset),
            parameters,
        );
        Ok(Job::new(format!("list_asset {name}"), vec![instruction], &[&self.payer, &self.governance]))
    }

    /// Refreshes all prices in one transaction.
    pub async fn refresh(&self, connection: &Connection, by: &Arc<Keypair>) -> Result<Receipt> {
        let instruction = instruction::refresh_prices(&self.market, &self.feeds.pairs());
        connection.send(Job::new("refresh_prices", vec![instruction], &[by])).await
    }

    /// Creates a wallet's token account of an asset and mints tokens into it.
    pub fn fund(&self, wallet: &Pubkey, asset: usize, amount: u64) -> Vec<Instruction> {
        let (mint, program) = (self.mints[asset], token_program(asset));
        let mut instructions = vec![token::create(&self.payer.pubkey(), wallet, &mint, &program)];
        if amount > 0 {
            let account = token::address(wallet, &mint, &program);
            let accounts = vec![
                AccountMeta::new(mint, false),
                AccountMeta::new(account, false),
                AccountMeta::new_readonly(self.payer.pubkey(), true),
            ];
            // 7: MintTo.
            let data = [&[7], &amount.to_le_bytes()[..]].concat();
            instructions.push(Instruction { program_id: program, accounts, data });
        }
        instructions
    }
}
