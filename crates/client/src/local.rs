//! Accounts in their real byte format, for local networks and tests that write them directly: those of other programs, and
//! a vault.

use borsh::BorshSerialize;

use crate::{Pubkey, Vault, address};

pub use ballast::oracle::{PUSH_PROGRAM, RECEIVER, RECEIVER_CORE, STAKE_POOL, STAKE_POOL_PROGRAMS, SWITCHBOARD};

/// A price as an oracle publishes it: `price +/- confidence` times `10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    pub price: i64,
    pub confidence: u64,
    pub exponent: i32,
    pub publish_time: i64,
}

/// How far a price update was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize)]
pub enum Verification {
    Partial { signatures: u8 },
    Full,
}

/// The fields of a `PriceUpdateV2` account in their order.
#[derive(BorshSerialize)]
struct PriceUpdate {
    write_authority: [u8; 32],
    verification: Verification,
    feed_id: [u8; 32],
    price: i64,
    confidence: u64,
    exponent: i32,
    publish_time: i64,
    previous_publish_time: i64,
    average_price: i64,
    average_confidence: u64,
    posted_slot: u64,
}

/// First eight bytes of a `PriceUpdateV2` account.
const PRICE_UPDATE: [u8; 8] = [34, 241, 35, 99, 157, 126, 244, 205];
/// Bytes of a `PriceUpdateV2` account.
pub const PRICE_UPDATE_SPACE: usize = 134;

/// A `PriceUpdateV2` account of the receiver programs.
pub fn price_update(feed_id: &[u8; 32], seen: &Published, verification: Verification, slot: u64) -> Vec<u8> {
    let update = PriceUpdate {
        write_authority: [7; 32],
        verification,
        feed_id: *feed_id,
        price: seen.price,
        confidence: seen.confidence,
        exponent: seen.exponent,
        publish_time: seen.publish_time,
        previous_publish_time: seen.publish_time.saturating_sub(1),
        average_price: seen.price,
        average_confidence: seen.confidence,
        posted_slot: slot,
    };
    // With room for the longer form of the verification level, as the receiver allocates it.
    padded(&PRICE_UPDATE, &update, PRICE_UPDATE_SPACE)
}

/// What a Switchboard On-Demand feed says. Values have 18 decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedResult {
    pub value: i128,
    pub deviation: i128,
    pub samples: u8,
    /// Samples that the feed asks for.
    pub least_samples: u8,
    /// Slot of the newest sample.
    pub slot: u64,
    /// Slots after which a sample is too old.
    pub max_staleness: u32,
    /// Unix seconds.
    pub updated: i64,
}

#[derive(Clone, Copy, Default, BorshSerialize)]
struct Submission {
    oracle: [u8; 32],
    slot: u64,
    landed_at: u64,
    value: i128,
}

/// The fields of a `PullFeedAccountData` account in their order, up to the last one that is not history.
#[derive(BorshSerialize)]
struct PullFeed {
    submissions: [Submission; 32],
    authority: [u8; 32],
    queue: [u8; 32],
    feed_hash: [u8; 32],
    initialized_at: i64,
    permissions: u64,
    max_variance: u64,
    least_responses: u32,
    name: [u8; 32],
    padding: [u8; 2],
    history_index: u8,
    least_samples: u8,
    updated: i64,
    lookup_table_slot: u64,
    reserved: [u8; 32],
    value: i128,
    deviation: i128,
    mean: i128,
    range: i128,
    least_value: i128,
    largest_value: i128,
    samples: u8,
    submission_index: u8,
    more_padding: [u8; 6],
    slot: u64,
    least_slot: u64,
    largest_slot: u64,
    max_staleness: u32,
}

/// First eight bytes of a `PullFeedAccountData` account.
const PULL_FEED: [u8; 8] = [196, 27, 108, 196, 10, 215, 219, 40];
/// Bytes of a `PullFeedAccountData` account.
pub const PULL_FEED_SPACE: usize = 3_208;

/// A pull feed account of Switchboard On-Demand.
pub fn switchboard_feed(result: &FeedResult) -> Vec<u8> {
    let mut submissions = [Submission::default(); 32];
    for submission in submissions.iter_mut().take(usize::from(result.samples)) {
        *submission = Submission { oracle: [3; 32], slot: result.slot, landed_at: result.slot, value: result.value };
    }
    let feed = PullFeed {
        submissions,
        authority: [4; 32],
        queue: [5; 32],
        feed_hash: [6; 32],
        initialized_at: 1,
        permissions: 0,
        max_variance: 10_000_000_000,
        least_responses: 1,
        name: [0; 32],
        padding: [0; 2],
        history_index: 0,
        least_samples: result.least_samples,
        updated: result.updated,
        lookup_table_slot: 1,
        reserved: [0; 32],
        value: result.value,
        deviation: result.deviation,
        mean: result.value,
        range: result.deviation.saturating_mul(2),
        least_value: result.value.saturating_sub(result.deviation),
        largest_value: result.value.saturating_add(result.deviation),
        samples: result.samples,
        submission_index: 0,
        more_padding: [0; 6],
        slot: result.slot,
        least_slot: result.slot,
        largest_slot: result.slot,
        max_staleness: result.max_staleness,
    };
    padded(&PULL_FEED, &feed, PULL_FEED_SPACE)
}

/// What an SPL stake pool says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub mint: Pubkey,
    pub lamports: u64,
    pub supply: u64,
    /// When that was brought up to date.
    pub epoch: u64,
}

/// The fields of a `StakePool` account in their order, up to the last one that matters.
#[derive(BorshSerialize)]
struct StakePool {
    account_type: u8,
    manager: [u8; 32],
    staker: [u8; 32],
    stake_deposit_authority: [u8; 32],
    stake_withdraw_bump: u8,
    validator_list: [u8; 32],
    reserve_stake: [u8; 32],
    pool_mint: [u8; 32],
    manager_fee_account: [u8; 32],
    token_program: [u8; 32],
    total_lamports: u64,
    pool_token_supply: u64,
    last_update_epoch: u64,
}

/// Bytes of a `StakePool` account.
pub const STAKE_POOL_SPACE: usize = 611;

/// A stake pool account of the SPL program.
pub fn stake_pool(pool: &Pool) -> Vec<u8> {
    let account = StakePool {
        account_type: 1,
        manager: [1; 32],
        staker: [2; 32],
        stake_deposit_authority: [3; 32],
        stake_withdraw_bump: 255,
        validator_list: [4; 32],
        reserve_stake: [5; 32],
        pool_mint: pool.mint.to_bytes(),
        manager_fee_account: [6; 32],
        token_program: crate::token::SPL_TOKEN.to_bytes(),
        total_lamports: pool.lamports,
        pool_token_supply: pool.supply,
        last_update_epoch: pool.epoch,
    };
    padded(&[], &account, STAKE_POOL_SPACE)
}

/// The fields of an account after its discriminator, filled up with zeros.
fn padded(discriminator: &[u8], fields: &impl BorshSerialize, space: usize) -> Vec<u8> {
    let mut data = discriminator.to_vec();
    borsh::to_writer(&mut data, fields).expect("writing to memory does not fail");
    data.resize(space, 0);
    data
}

/// A vault as `open_vault` leaves it, with its address.
pub fn vault(market: &Pubkey, owner: &Pubkey, id: u16) -> (Pubkey, Vault) {
    let (address, bump) = address::vault_and_bump(market, owner, id);
    let mut vault: Vault = bytemuck::Zeroable::zeroed();
    (vault.version, vault.bump, vault.id) = (1, bump, id);
    (vault.market, vault.owner) = (*market, *owner);
    (address, vault)
}

/// A mint of either token program without extensions. The two share the layout.
pub fn mint(authority: &Pubkey, decimals: u8, supply: u64) -> Vec<u8> {
    let mut data = Vec::with_capacity(82);
    data.extend(1u32.to_le_bytes());
    data.extend(authority.to_bytes());
    data.extend(supply.to_le_bytes());
    data.extend([decimals, 1]);
    // No freeze authority.
    data.resize(82, 0);
    data
}

/// A token account of either token program without extensions.
pub fn token_account(mint: &Pubkey, owner: &Pubkey, amount: u64) -> Vec<u8> {
    let mut data = Vec::with_capacity(165);
    data.extend(mint.to_bytes());
    data.extend(owner.to_bytes());
    data.extend(amount.to_le_bytes());
    // No delegate.
    data.resize(108, 0);
    // Initialised.
    data.push(1);
    data.resize(165, 0);
    data
}
