//! The life of a market in solana-program-test: the compiled program behind a bank, as a validator runs it.
//!
//! Listing, prices, deposits, a loan, interest, a crash, a liquidation, repayment, exit. At the end the books and the
//! tokens agree to the unit.

use anyhow::{Context, Result, ensure};
use ballast_client::instruction::{self, MarketRef};
use ballast_client::local::{self, Published, RECEIVER, Verification};
use ballast_client::parameters::Listing;
use ballast_client::risk::units::Amount;
use ballast_client::table::Parameter;
use ballast_client::{Change, Market, Pubkey, SourceKind, StateView, Vault, account, address, change, snapshot, token};
use solana_account::Account;
use solana_clock::Clock;
use solana_keypair::Keypair;
use solana_program_test::{ProgramTest, ProgramTestContext};
use solana_signer::Signer;
use solana_transaction::{Instruction, Transaction};

const NOW: i64 = 1_800_000_000;
const SOL: u8 = 0;
const USDC: u8 = 1;

/// The two assets: mint, oracle account, feed id.
const MINTS: [Pubkey; 2] = [Pubkey::new_from_array([11; 32]), Pubkey::new_from_array([12; 32])];
const ORACLES: [Pubkey; 2] = [Pubkey::new_from_array([21; 32]), Pubkey::new_from_array([22; 32])];
const DECIMALS: [u8; 2] = [9, 6];
/// Tokens of each mint that exist, native units; all of them start with the lender or the borrower.
const SUPPLY: [u64; 2] = [200_000_000_000, 1_000_000_000_000];

struct Bank {
    context: ProgramTestContext,
    market: Pubkey,
    time: i64,
}

#[test]
fn a_market_from_listing_to_exit() -> Result<()> {
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/deploy");
    // SAFETY: nothing else runs in this process yet; the loader of the program reads the variable later.
    unsafe { std::env::set_var("SBF_OUT_DIR", deploy) };
    tokio::runtime::Runtime::new()?.block_on(life())
}

async fn life() -> Result<()> {
    let [lender, borrower, liquidator] = [1u8, 2, 3].map(|seed| Keypair::new_from_array([seed; 32]));
    let mut bank = Bank::start(&[
        (&lender, [0, SUPPLY[1] - 50_000_000_000]),
        (&borrower, [SUPPLY[0], 0]),
        (&liquidator, [0, 50_000_000_000]),
    ])
    .await?;
    bank.create_market().await?;
    bank.publish([150_00000000, 1_00000000]).await?;

    // A lender brings 500,000 USDC; a borrower takes 9,000 against 100 SOL at $150.
    let lent = bank.open_vault(&lender).await?;
    bank.move_tokens(&lender, |market| market.deposit(&lender.pubkey(), &lent, USDC, 500_000_000_000)).await?;
    let owed = bank.open_vault(&borrower).await?;
    bank.move_tokens(&borrower, |market| market.deposit(&borrower.pubkey(), &owed, SOL, 100_000_000_000)).await?;
    bank.move_tokens(&borrower, |market| market.borrow(&borrower.pubkey(), &owed, USDC, 9_000_000_000)).await?;
    ensure!(bank.state(&owed).await? == StateView::Healthy);

    // A day later interest has accrued on both sides.
    let before = bank.market().await?;
    bank.wait(86_400).await?;
    bank.publish([150_00000000, 1_00000000]).await?;
    let after = bank.market().await?;
    ensure!(after.assets[1].borrow_index > before.assets[1].borrow_index, "debts earn interest");
    ensure!(after.assets[1].supply_index > before.assets[1].supply_index, "deposits get interest");

    // Governance wants higher haircuts. Nothing happens before the delay is over; the borrower has another day then.
    bank.change_waits(SOL, Parameter::HaircutMaint, 20).await?;
    // Prices were missing for a day, so for ten minutes nobody is judged by those that come now.
    bank.publish([150_00000000, 1_00000000]).await?;
    ensure!(bank.state(&owed).await? == StateView::Unpriced);
    bank.wait(600).await?;
    bank.publish([150_00000000, 1_00000000]).await?;
    ensure!(bank.state(&owed).await? == StateView::Healthy);

    // SOL falls to $110: liquidatable. Anybody repays 1,000 USDC for SOL worth more.
    bank.wait(30).await?;
    bank.publish([110_00000000, 1_00000000]).await?;
    ensure!(bank.state(&owed).await? == StateView::Liquidatable);
    bank.move_tokens(&liquidator, |market| market.liquidate(&liquidator.pubkey(), &owed, USDC, SOL, 1_000_000_000))
        .await?;
    let won = bank.balance(&liquidator, SOL).await?;
    ensure!(won > 9_090_909_090, "seized {won} lamports for 1,000 dollars at $110");

    // Everybody leaves: the borrower pays all and takes the rest, the lender takes everything.
    bank.give(&borrower, USDC, &liquidator, 20_000_000_000).await?;
    bank.move_tokens(&borrower, |market| market.repay(&borrower.pubkey(), &owed, USDC, u64::MAX)).await?;
    bank.move_tokens(&borrower, |market| market.withdraw(&borrower.pubkey(), &owed, SOL, None)).await?;
    bank.move_tokens(&lender, |market| market.withdraw(&lender.pubkey(), &lent, USDC, None)).await?;
    for (owner, vault) in [(&lender, lent), (&borrower, owed)] {
        let close = instruction::close_vault(&owner.pubkey(), &vault, &owner.pubkey());
        bank.send(&[close], &[owner]).await?;
        ensure!(bank.context.banks_client.get_account(vault).await?.is_none_or(|account| account.lamports == 0));
    }

    // What is left in custody is the reserve, and no token was made or lost.
    let market = bank.market().await?;
    for (index, asset) in [SOL, USDC].into_iter().zip(&market.assets) {
        let pool = asset.pool();
        ensure!(asset.deposit_shares == 0 && asset.debt_shares == 0, "everybody has left");
        let reserve = pool.reserve_floor().map_err(|error| anyhow::anyhow!("{error:?}"))?;
        ensure!(reserve == Amount::new(asset.cash), "all cash is reserve");
        let custody = bank.tokens(asset.custody).await?;
        ensure!(custody == asset.cash, "custody equals the books");
        let mut held = custody;
        for owner in [&lender, &borrower, &liquidator] {
            held += bank.balance(owner, index).await?;
        }
        ensure!(held == SUPPLY[usize::from(index)], "tokens in equal tokens out");
    }
    ensure!(market.assets[1].cash > 0, "the reserve earned its part of the interest");
    Ok(())
}

impl Bank {
    /// A bank with the mints, the oracle accounts and the holders' token accounts.
    async fn start(holders: &[(&Keypair, [u64; 2])]) -> Result<Self> {
        let mut test = ProgramTest::default();
        test.prefer_bpf(true);
        test.add_program("ballast", ballast_client::ID, None);
        for ((mint, decimals), supply) in MINTS.iter().zip(DECIMALS).zip(SUPPLY) {
            test.add_account(*mint, owned(token::SPL_TOKEN, local::mint(&Pubkey::new_unique(), decimals, supply)));
        }
        for (holder, amounts) in holders {
            let wallet = holder.pubkey();
            test.add_account(wallet, owned(Pubkey::default(), vec![]));
            for (mint, amount) in MINTS.iter().zip(amounts) {
                let data = local::token_account(mint, &wallet, *amount);
                test.add_account(token::address(&wallet, mint, &token::SPL_TOKEN), owned(token::SPL_TOKEN, data));
            }
        }
        let context = test.start_with_context().await;
        let mut bank = Self { context, market: Pubkey::default(), time: NOW };
        bank.wait(0).await?;
        Ok(bank)
    }

    async fn create_market(&mut self) -> Result<()> {
        let key = Keypair::new_from_array([9; 32]);
        let payer = self.context.payer.pubkey();
        self.market = key.pubkey();
        let rent = self.context.banks_client.get_rent().await?.minimum_balance(Market::SPACE);
        let roles = [payer, Pubkey::default(), Pubkey::default()];
        let create = instruction::create_market(&payer, &self.market, roles, rent);
        self.send(&create, &[&key]).await?;
        for index in [SOL, USDC] {
            let (listing, mint) = (listing(index), MINTS[usize::from(index)]);
            let name = listing.padded_name()?;
            let list = instruction::list_asset(&payer, &payer, &self.market, &mint, &token::SPL_TOKEN, name);
            self.send(&[list], &[]).await?;
            let market = self.market().await?;
            for proposal in [
                change::source(&market, index, 0, listing.source()),
                change::parameters_of_asset(&market, index, &listing.values()?, 0),
            ] {
                self.send(&[change::apply(&payer, &self.market, None, proposal)], &[]).await?;
            }
        }
        self.send(&[change::open_market(&payer, &self.market)], &[]).await
    }

    /// A value of an asset rises by a part of itself: proposed, too early, executed, gone.
    async fn change_waits(&mut self, index: u8, parameter: Parameter, part: u64) -> Result<()> {
        let key = Keypair::new_from_array([8; 32]);
        let (payer, market) = (self.context.payer.pubkey(), self.market().await?);
        let record = &market.assets[usize::from(index)];
        let value = change::value(record, parameter).context("a parameter of an asset")?;
        let to = value + value / part;
        let proposal = change::parameters_of_asset(&market, index, &[(parameter, to)], 0);
        let rent = self.context.banks_client.get_rent().await?.minimum_balance(Change::SPACE);
        let both = change::propose(&payer, &payer, &self.market, &key.pubkey(), rent, proposal);
        self.send(&both, &[&key]).await?;
        let execute = change::execute(&self.market, &key.pubkey(), &payer, None);
        self.wait(i64::from(market.delay) - 1).await?;
        ensure!(self.send(std::slice::from_ref(&execute), &[]).await.is_err(), "not due yet");
        self.wait(1).await?;
        self.send(std::slice::from_ref(&execute), &[]).await?;
        let market = self.market().await?;
        let record = &market.assets[usize::from(index)];
        ensure!(change::value(record, parameter) == Some(to), "executed");
        ensure!(record.ramp_start == u64::try_from(self.time)? + u64::from(market.notice), "with notice");
        ensure!(self.send(&[execute], &[]).await.is_err(), "executed once");
        Ok(())
    }

    /// Writes new price updates and has the market take them.
    async fn publish(&mut self, prices: [i64; 2]) -> Result<()> {
        for (index, price) in [SOL, USDC].into_iter().zip(prices) {
            let seen = Published { price, confidence: 10_000, exponent: -8, publish_time: self.time };
            let data = local::price_update(&feed(index).to_bytes(), &seen, Verification::Full, 1);
            self.context.set_account(&ORACLES[usize::from(index)], &owned(RECEIVER, data).into());
        }
        let pairs = [(SOL, ORACLES[0], None), (USDC, ORACLES[1], None)];
        self.send(&[instruction::refresh_prices(&self.market, &pairs)], &[]).await
    }

    async fn wait(&mut self, seconds: i64) -> Result<()> {
        self.time += seconds;
        let mut clock: Clock = self.context.banks_client.get_sysvar().await?;
        clock.unix_timestamp = self.time;
        self.context.set_sysvar(&clock);
        self.context.last_blockhash = self.context.get_new_latest_blockhash().await?;
        Ok(())
    }

    async fn send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<()> {
        let blockhash = self.context.get_new_latest_blockhash().await?;
        let payer = &self.context.payer;
        let mut all = vec![payer];
        all.extend(signers);
        let transaction = Transaction::new_signed_with_payer(instructions, Some(&payer.pubkey()), &all, blockhash);
        Ok(self.context.banks_client.process_transaction(transaction).await?)
    }

    async fn move_tokens(
        &mut self,
        signer: &Keypair,
        instruction: impl FnOnce(MarketRef<'_>) -> Instruction,
    ) -> Result<()> {
        let market = self.market().await?;
        let instruction = instruction(MarketRef::new(self.market, &market));
        self.send(&[instruction], &[signer]).await
    }

    async fn open_vault(&mut self, owner: &Keypair) -> Result<Pubkey> {
        let payer = self.context.payer.pubkey();
        let open = instruction::open_vault(&owner.pubkey(), &payer, &self.market, 0);
        self.send(&[open], &[owner]).await?;
        Ok(address::vault(&self.market, &owner.pubkey(), 0))
    }

    /// A transfer between wallets, written directly: what users do among themselves is not under test.
    async fn give(&mut self, to: &Keypair, index: u8, from: &Keypair, amount: u64) -> Result<()> {
        let mint = MINTS[usize::from(index)];
        let (has, gets) = (self.balance(from, index).await?, self.balance(to, index).await?);
        for (wallet, amount) in [(from, has - amount), (to, gets + amount)] {
            let data = local::token_account(&mint, &wallet.pubkey(), amount);
            let key = token::address(&wallet.pubkey(), &mint, &token::SPL_TOKEN);
            self.context.set_account(&key, &owned(token::SPL_TOKEN, data).into());
        }
        Ok(())
    }

    async fn found(&mut self, key: Pubkey) -> Result<Account> {
        let account = self.context.banks_client.get_account(key).await?;
        account.with_context(|| format!("no account {key}"))
    }

    async fn market(&mut self) -> Result<Box<Market>> {
        let found = self.found(self.market).await?;
        Ok(account::market(&found.owner, &found.data)?)
    }

    async fn vault(&mut self, vault: &Pubkey) -> Result<Vault> {
        let found = self.found(*vault).await?;
        Ok(account::vault(&found.owner, &found.data)?)
    }

    async fn state(&mut self, vault: &Pubkey) -> Result<StateView> {
        let (market, vault) = (self.market().await?, self.vault(vault).await?);
        Ok(snapshot::health(&market, &vault, u64::try_from(self.time)?).state)
    }

    async fn tokens(&mut self, key: Pubkey) -> Result<u64> {
        let found = self.found(key).await?;
        Ok(account::token(&found.owner, &found.data)?.amount)
    }

    async fn balance(&mut self, wallet: &Keypair, index: u8) -> Result<u64> {
        self.tokens(token::address(&wallet.pubkey(), &MINTS[usize::from(index)], &token::SPL_TOKEN)).await
    }
}

/// An account with data, rich enough for its rent.
fn owned(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1_000_000_000, data, owner, executable: false, rent_epoch: u64::MAX }
}

/// The feed of an asset. The key of zeros is none.
fn feed(index: u8) -> Pubkey {
    Pubkey::new_from_array([index + 1; 32])
}

fn listing(index: u8) -> Listing {
    let (name, haircut_bps) = if index == SOL { ("SOL", [2_500, 2_200, 2_000]) } else { ("USDC", [500, 400, 300]) };
    Listing {
        name,
        source_kind: SourceKind::PythPull,
        oracle: feed(index),
        max_age: 60,
        average_period: 3_600,
        max_confidence_bps: 200,
        confidence_multiple: 212,
        haircut_bps,
        addon_bps: [400, 350, 300],
        depth_dollars: 50_000_000,
        bonus_least_bps: 100,
        bonus_most_bps: if index == SOL { 800 } else { 200 },
        bonus_slope_bps: 2_000,
        reserve_factor_bps: 1_000,
        curve: vec![(0, 0), (8_000, 800), (10_000, 10_000)],
        deposit_cap: u64::MAX,
        debt_cap: u64::MAX,
        variance_period: 86_400,
        daily_volatility_bps: 0,
        volatility_limit: 100,
        // Everybody leaves in the end.
        more: vec![(Parameter::OutflowLimit, u64::from(u32::MAX))],
    }
}
