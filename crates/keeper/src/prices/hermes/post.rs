//! Posting an update on chain: one transaction of version 1 that brings the signed root, has the guardians' signatures checked,
//! posts prices under it, uses them, and takes the rent of all accounts back.
//!
//! ```text
//! create, init, write, verify    the signed root, by the Wormhole program that the receiver trusts
//! post_update                    one price in an account of its own, fully verified, by the receiver program
//! refresh_prices                 the market takes the prices
//! reclaim_rent, close            the accounts are gone again
//! ```
//!
//! The older versions of transactions are too small for it: 13 signatures alone have 858 bytes. All in one, it leaves nothing
//! behind wherever it fails. Our program accepts fully verified updates only, so the receiver's shorter way is of no use.

use ballast_client::Pubkey;
use solana_instruction::{AccountMeta, Instruction};
use solana_system_interface::instruction::create_account;
use solana_system_interface::program as system;

use super::update::{Accumulated, Proven};

/// First eight bytes of the instructions: of SHA-256 of `global:` and the name.
const INIT: [u8; 8] = [209, 193, 173, 25, 91, 202, 181, 218];
const WRITE: [u8; 8] = [199, 208, 110, 177, 150, 76, 118, 42];
const VERIFY: [u8; 8] = [103, 56, 177, 229, 240, 103, 68, 73];
const CLOSE: [u8; 8] = [48, 221, 174, 198, 231, 7, 152, 38];
const POST: [u8; 8] = [133, 95, 207, 175, 11, 79, 118, 44];
const RECLAIM: [u8; 8] = [218, 200, 19, 197, 227, 89, 192, 22];
/// First eight bytes of the receiver's configuration: of SHA-256 of `account:Config`.
const CONFIG: [u8; 8] = [155, 12, 170, 224, 30, 250, 204, 130];
/// What stands in front of the root in its account.
const HEADER: usize = 46;

/// The programs that post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Programs {
    pub receiver: Pubkey,
    /// The one that the receiver's configuration names.
    pub wormhole: Pubkey,
}

impl Programs {
    /// Where a receiver program keeps its configuration.
    pub fn config(receiver: &Pubkey) -> Pubkey {
        Pubkey::find_program_address(&[b"config"], receiver).0
    }

    /// From the bytes of that account, which the receiver owns; `None` for something else.
    pub fn of(receiver: &Pubkey, owner: &Pubkey, config: &[u8]) -> Option<Self> {
        let body = config.strip_prefix(&CONFIG).filter(|_| owner == receiver)?;
        // Behind the authority, and the next one if there is one.
        let (named, rest) = body.get(32..)?.split_first()?;
        let rest = if *named == 0 { rest } else { rest.get(32..)? };
        Some(Self { receiver: *receiver, wormhole: Pubkey::try_from(rest.get(..32)?).ok()? })
    }

    fn treasury(&self, id: u8) -> Pubkey {
        Pubkey::find_program_address(&[b"treasury", &[id]], &self.receiver).0
    }

    fn guardian_set(&self, index: u32) -> Pubkey {
        Pubkey::find_program_address(&[b"GuardianSet", &index.to_be_bytes()], &self.wormhole).0
    }
}

/// One posting.
#[derive(Clone, Copy, Debug)]
pub struct Posting<'a> {
    pub programs: Programs,
    /// Pays for everything, and gets it back but for the fees.
    pub payer: Pubkey,
    pub update: &'a Accumulated,
    /// The account of the root, which signs. A new one each time.
    pub root: Pubkey,
    /// Spreads the fees over the treasuries, so that posters do not wait for each other.
    pub treasury: u8,
}

/// What an account of this many bytes has to hold: two years at 3,480 lamports for a byte and a year, with 128 bytes on top.
/// It comes back at the end, so too much would be no loss.
fn rent_exempt(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(128).saturating_mul(6_960)
}

impl Posting<'_> {
    fn wormhole(&self, accounts: Vec<AccountMeta>, data: Vec<u8>) -> Instruction {
        Instruction { program_id: self.programs.wormhole, accounts, data }
    }

    fn draft(&self) -> Vec<AccountMeta> {
        vec![AccountMeta::new_readonly(self.payer, true), AccountMeta::new(self.root, false)]
    }

    /// Brings the root and has it verified; `None` when it does not say who signed it.
    pub fn begin(&self) -> Option<Vec<Instruction>> {
        let signed = &self.update.signed;
        let guardians = self.programs.guardian_set(self.update.guardian_set()?);
        let space = signed.len().saturating_add(HEADER);
        let bytes = u64::try_from(space).ok()?;
        let mut written = WRITE.to_vec();
        written.extend(0u32.to_le_bytes());
        written.extend(u32::try_from(signed.len()).ok()?.to_le_bytes());
        written.extend(signed);
        let mut verified = self.draft();
        verified.push(AccountMeta::new_readonly(guardians, false));
        Some(vec![
            create_account(&self.payer, &self.root, rent_exempt(space), bytes, &self.programs.wormhole),
            self.wormhole(self.draft(), INIT.to_vec()),
            self.wormhole(self.draft(), written),
            self.wormhole(verified, VERIFY.to_vec()),
        ])
    }

    /// Posts a price in a new account, which signs.
    pub fn post(&self, proven: &Proven, account: &Pubkey) -> Instruction {
        let mut data = POST.to_vec();
        let length = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
        data.extend(length(proven.message.len()));
        data.extend(&proven.message);
        data.extend(length(proven.proof.len()));
        data.extend(proven.proof.as_flattened());
        data.push(self.treasury);
        let accounts = vec![
            AccountMeta::new(self.payer, true),
            AccountMeta::new_readonly(self.root, false),
            AccountMeta::new_readonly(Programs::config(&self.programs.receiver), false),
            AccountMeta::new(self.programs.treasury(self.treasury), false),
            AccountMeta::new(*account, true),
            AccountMeta::new_readonly(system::ID, false),
            AccountMeta::new_readonly(self.payer, true),
        ];
        Instruction { program_id: self.programs.receiver, accounts, data }
    }

    /// Takes the rent of posted prices back, and that of the root.
    pub fn end(&self, accounts: &[Pubkey]) -> Vec<Instruction> {
        let reclaim = |account: &Pubkey| Instruction {
            program_id: self.programs.receiver,
            accounts: vec![AccountMeta::new(self.payer, true), AccountMeta::new(*account, false)],
            data: RECLAIM.to_vec(),
        };
        let mut all: Vec<Instruction> = accounts.iter().map(reclaim).collect();
        let close = vec![AccountMeta::new(self.payer, true), AccountMeta::new(self.root, false)];
        all.push(self.wormhole(close, CLOSE.to_vec()));
        all
    }
}
