//! Setting the market up: mints, oracle accounts, the market account, its assets.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use ballast_client::local;
use ballast_client::parameters::padded;
use ballast_client::risk::Usd;
use ballast_client::risk::price::Price;
use ballast_client::table::Parameter;
use ballast_client::{Market, Pubkey, Source, change, instruction, token};
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::catalogue::{ASSETS, COUNT, Entry};
use crate::network::{Network, Placed};
use crate::oracle::Feeds;
use crate::prices::Frame;
use crate::random::Random;
use ballast_cluster::books::read_market;
use ballast_cluster::connection::{Connection, Job, Receipt};
use ballast_cluster::decimal::Decimal;
use ballast_cluster::definition::{Definition, File, Listed};

/// What the market is like.
const DEFINITION: &str = include_str!("../../../migrations/0001-local.toml");
/// What the caps of deposits and of debts of one asset are worth at least, dollars. Those of the definition are worth more at
/// the first prices of the bundled path; a table may begin with prices at which nobody could deposit anything under them.
const LEAST_CAPS: [u64; 2] = [100_000_000, 75_000_000];

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

/// The market as its file defines it.
///
/// # Errors
/// A file that is not in order, or names other assets than the catalogue.
pub fn definition() -> Result<Definition> {
    let definition = File::parse(DEFINITION).and_then(|file| file.define()).context("migrations/0001-local.toml")?;
    let same = |(listed, entry): (&Listed, &Entry)| {
        (listed.name.as_str(), listed.decimals, listed.token_2022) == (entry.name, entry.decimals, entry.token_2022)
    };
    let complete = definition.assets.len() == COUNT && definition.assets.iter().zip(&ASSETS).all(same);
    ensure!(complete, "migrations/0001-local.toml and the catalogue name different assets");
    Ok(definition)
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
        let definition = definition()?;
        let site = Self {
            market: market.pubkey(),
            payer,
            governance,
            mints: std::array::from_fn(|asset| definition.assets[asset].mint),
            feeds: Feeds { accounts: std::array::from_fn(|_| Pubkey::new_from_array(random.bytes())) },
        };
        let mint = |asset: usize| Placed {
            address: site.mints[asset],
            owner: token_program(asset),
            data: local::mint(&site.payer.pubkey(), ASSETS[asset].decimals, 0),
        };
        network.place((0..COUNT).map(mint).collect()).await.context("mints")?;
        let connection = &network.connection;
        let mut receipts = vec![connection.send(site.create(&market)?).await?];
        for (asset, price) in first.prices.iter().enumerate() {
            // One after the other: the order of listing is the index of the asset.
            receipts.push(connection.send(site.list(asset)?).await?);
            let (record, _) = read_market(connection, &site.market).await?;
            for job in site.configure(&record, (asset, &definition.assets[asset]), *price)? {
                receipts.push(connection.send(job).await?);
            }
        }
        let open = change::open_market(&site.governance.pubkey(), &site.market);
        receipts.push(connection.send(site.governed("open_market".into(), open)).await?);
        Ok((site, receipts))
    }

    fn governed(&self, name: String, instruction: Instruction) -> Job {
        Job::new(name, vec![instruction], &[&self.payer, &self.governance])
    }

    fn create(&self, market: &Arc<Keypair>) -> Result<Job> {
        // A demo has nobody to guard and to steer it.
        let roles = [self.governance.pubkey(), Pubkey::default(), Pubkey::default()];
        let space = u64::try_from(Market::SPACE).context("size of the market")?;
        // What a byte has cost since genesis, for two years: an account that holds this is exempt from rent.
        let rent = space.saturating_add(128).saturating_mul(6_960);
        let instructions = instruction::create_market(&self.payer.pubkey(), &self.market, roles, rent);
        Ok(Job::new("create_market", instructions.to_vec(), &[&self.payer, market, &self.governance]))
    }

    fn list(&self, asset: usize) -> Result<Job> {
        let instruction = instruction::list_asset(
            &self.governance.pubkey(),
            &self.payer.pubkey(),
            &self.market,
            &self.mints[asset],
            &token_program(asset),
            padded(ASSETS[asset].name).context("a name")?,
        );
        Ok(self.governed(format!("list_asset {}", ASSETS[asset].name), instruction))
    }

    /// Gives an asset its price source and its parameters.
    fn configure(&self, market: &Market, (asset, listed): (usize, &Listed), price: Decimal) -> Result<Vec<Job>> {
        let index = u8::try_from(asset).context("an index")?;
        let [source, _] = &listed.sources;
        let source = source.as_ref().with_context(|| format!("{} has no source", listed.name))?;
        let proposals = [
            change::source(market, index, 0, Source::new(source.kind, source.key, 0)),
            change::parameters_of_asset(market, index, &values(asset, listed, price)?, 0),
        ];
        let job = |proposal| {
            let apply = change::apply(&self.governance.pubkey(), &self.market, None, proposal);
            self.governed(format!("apply_change {}", listed.name), apply)
        };
        Ok(proposals.map(job).into())
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

/// The parameters of an asset that costs this much at the start: those of the definition, with caps that leave room for a
/// crowd at these prices.
fn values(asset: usize, listed: &Listed, price: Decimal) -> Result<Vec<(Parameter, u64)>> {
    let mut values = listed.parameters.clone();
    for (parameter, value) in &mut values {
        let [deposits, debts] = LEAST_CAPS.map(|dollars| units(asset, price, dollars * 1_000_000));
        match parameter {
            Parameter::DepositCap => *value = deposits?.max(*value),
            Parameter::DebtCap => *value = debts?.max(*value),
            _ => {}
        }
    }
    Ok(values)
}
