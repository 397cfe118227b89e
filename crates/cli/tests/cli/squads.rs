//! `ballast gov verify-message` for members of a multi-signature of Squads v4: what is inside is shown, to the last byte.

use ballast_client::transaction::{Version, compile};
use ballast_client::{Pubkey, Role, change};
use ballast_localnet::network::Placed;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_instruction::{AccountMeta, Instruction};
use solana_transaction::Hash;

use crate::stage::{Ran, Stage, stage};

const SQUADS: Pubkey = Pubkey::from_str_const("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf");
const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);
const MULTISIG: Pubkey = Pubkey::new_from_array([17; 32]);
const MEMBER: Pubkey = Pubkey::new_from_array([18; 32]);

fn derived(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(&[&[&b"multisig"[..], MULTISIG.as_ref()], seeds].concat(), &SQUADS).0
}

fn transaction(index: u64) -> Pubkey {
    derived(&[b"transaction", &index.to_le_bytes()])
}

fn proposal(index: u64) -> Pubkey {
    derived(&[b"transaction", &index.to_le_bytes(), b"proposal"])
}

/// The message that a vault runs, with lengths of lists as `count` writes them, those of instruction data as `data` does.
fn inner(instructions: &[Instruction], count: fn(usize) -> Vec<u8>, data: fn(usize) -> Vec<u8>) -> Vec<u8> {
    let vault = derived(&[b"vault", &[0]]);
    let message = compile(Version::Legacy, &vault, instructions, None, &[], Hash::default()).expect("a message");
    let (header, keys) = (message.header(), message.static_account_keys());
    let others = u8::try_from(keys.len()).expect("few") - header.num_required_signatures;
    let mut bytes = vec![
        header.num_required_signatures,
        header.num_required_signatures - header.num_readonly_signed_accounts,
        others - header.num_readonly_unsigned_accounts,
    ];
    bytes.extend(count(keys.len()));
    keys.iter().for_each(|key| bytes.extend(key.as_ref()));
    bytes.extend(count(message.instructions().len()));
    for instruction in message.instructions() {
        bytes.push(instruction.program_id_index);
        bytes.extend(count(instruction.accounts.len()));
        bytes.extend(&instruction.accounts);
        bytes.extend(data(instruction.data.len()));
        bytes.extend(&instruction.data);
    }
    bytes.extend(count(0));
    bytes
}

fn short(length: usize) -> Vec<u8> {
    vec![u8::try_from(length).expect("few")]
}

fn middle(length: usize) -> Vec<u8> {
    u16::try_from(length).expect("few").to_le_bytes().to_vec()
}

fn long(length: usize) -> Vec<u8> {
    u32::try_from(length).expect("few").to_le_bytes().to_vec()
}

fn squads(head: [u8; 8], body: &[u8], accounts: &[AccountMeta]) -> Instruction {
    Instruction { program_id: SQUADS, accounts: accounts.to_vec(), data: [&head[..], body].concat() }
}

fn create(message: &[u8], index: u64) -> Instruction {
    let body = [&[0, 0][..], &long(message.len()), message, &[1], &long(5), b"haste"].concat();
    let accounts = [
        AccountMeta::new(MULTISIG, false),
        AccountMeta::new(transaction(index), false),
        AccountMeta::new_readonly(MEMBER, true),
        AccountMeta::new(MEMBER, true),
        AccountMeta::new_readonly(SYSTEM, false),
    ];
    squads([48, 250, 78, 168, 208, 226, 218, 211], &body, &accounts)
}

fn propose(index: u64) -> Instruction {
    let accounts = [
        AccountMeta::new_readonly(MULTISIG, false),
        AccountMeta::new(proposal(index), false),
        AccountMeta::new_readonly(MEMBER, true),
        AccountMeta::new(MEMBER, true),
        AccountMeta::new_readonly(SYSTEM, false),
    ];
    squads([220, 60, 73, 224, 30, 108, 79, 159], &[&index.to_le_bytes()[..], &[0]].concat(), &accounts)
}

fn approve(index: u64) -> Instruction {
    let accounts = [
        AccountMeta::new_readonly(MULTISIG, false),
        AccountMeta::new(MEMBER, true),
        AccountMeta::new(proposal(index), false),
    ];
    squads([144, 37, 164, 136, 188, 216, 42, 248], &[0], &accounts)
}

fn execute(index: u64) -> Instruction {
    let accounts = [
        AccountMeta::new_readonly(MULTISIG, false),
        AccountMeta::new(proposal(index), false),
        AccountMeta::new_readonly(transaction(index), false),
        AccountMeta::new_readonly(MEMBER, true),
    ];
    squads([194, 8, 161, 87, 153, 164, 25, 171], &[], &accounts)
}

/// What the vault is to propose.
fn wanted(stage: &Stage, market: &Pubkey) -> Vec<Instruction> {
    let vault = derived(&[b"vault", &[0]]);
    let wish = change::role(&stage.books().market, Role::Guardian, MEMBER);
    let rent = (u64::try_from(ballast_client::Change::SPACE).expect("a size") + 128) * 6_960;
    change::propose_with_seed(&vault, &vault, market, "seed", rent, wish).expect("a short seed").to_vec()
}

fn verify(stage: &Stage, instructions: &[Instruction], format: &[&str]) -> Ran {
    let message = compile(Version::V0, &MEMBER, instructions, None, &[], Hash::default()).expect("a message");
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let message = BASE64_STANDARD.encode(message.serialize());
    let globals = ["-u", &url, "--market", &market, "gov", "verify-message", &message];
    stage.bare("", &[&globals[..], format].concat())
}

fn shown(stage: &Stage, instructions: &[Instruction], code: i32) -> Value {
    let ran = verify(stage, instructions, &["--output", "json"]);
    assert_eq!(ran.code, code, "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("what was understood")
}

#[test]
fn what_a_member_puts_to_the_vote_is_read_to_its_last_byte() {
    let stage = stage();
    let wish = wanted(stage, &stage.site.market);
    let message = inner(&wish, short, middle);
    // Squads' own application sends all three at once.
    let told = shown(stage, &[create(&message, 7), propose(7), approve(7)], 0);
    let [put, opened, vote] = told["instructions"].as_array().expect("a list").as_slice() else { panic!("{told}") };
    assert_eq!((&put["kind"], &put["name"]), (&"multisig".into(), &"vault_transaction_create".into()));
    let vault = derived(&[b"vault", &[0]]).to_string();
    assert_eq!((&put["arguments"]["vault"], &put["arguments"]["memo"]), (&vault.as_str().into(), &"haste".into()));
    let [account, change] = put["inside"].as_array().expect("a list").as_slice() else { panic!("{put}") };
    assert_eq!((&account["name"], &account["kind"]), (&"create_account_with_seed".into(), &"needed".into()));
    assert_eq!((&change["name"], &change["change"]["to"]), (&"propose_change".into(), &MEMBER.to_string().into()));
    assert_eq!((&change["accounts"][0]["address"], &change["accounts"][0]["signer"]), (&vault.into(), &true.into()));
    assert_eq!(opened["arguments"]["transactionIndex"], "7");
    assert_eq!(vote["arguments"]["transaction"], transaction(7).to_string());
    assert!(vote["warnings"][0].as_str().expect("a warning").contains("created beside it"), "{vote}");
    assert_eq!((&told["market"], &told["objections"]), (&stage.site.market.to_string().into(), &json!([])));
    let text = verify(stage, &[create(&message, 7)], &[]);
    assert!(text.stdout.contains("   Inside, 2. Ballast: propose_change\n      Role guardian\n"), "{text:?}");

    // Money that leaves beside it, another market, bytes behind everything, a signer too few.
    let thief = Instruction {
        program_id: SYSTEM,
        accounts: vec![AccountMeta::new(derived(&[b"vault", &[0]]), true), AccountMeta::new(MEMBER, false)],
        data: [&[2, 0, 0, 0][..], &1u64.to_le_bytes()].concat(),
    };
    let stolen = inner(&[&wish[..], &[thief]].concat(), short, middle);
    let told = shown(stage, &[create(&stolen, 7)], 4);
    assert_eq!(
        (&told["instructions"][0]["inside"][2]["kind"], &told["understood"]),
        (&"foreign".into(), &false.into())
    );
    let elsewhere = inner(&wanted(stage, &MEMBER), short, middle);
    let told = shown(stage, &[create(&elsewhere, 7)], 4);
    let objection = told["instructions"][0]["inside"][1]["objections"][0].as_str().expect("an objection");
    assert!(objection.starts_with(&format!("the market is {MEMBER}, and not ")), "{objection}");
    let longer = [&message[..], &[0]].concat();
    assert_eq!(shown(stage, &[create(&longer, 7)], 4)["instructions"][0]["kind"], "foreign");
    let mut unsigned = create(&message, 7);
    unsigned.accounts[2] = AccountMeta::new_readonly(SQUADS, false);
    assert_eq!(shown(stage, &[unsigned], 4)["instructions"][0]["kind"], "foreign");
    // The proposal of another number.
    let mut other = propose(7);
    other.data[8] = 8;
    let told = shown(stage, &[create(&message, 7), other], 4);
    assert_eq!(told["instructions"][1]["objections"], json!(["the proposal is not the one of this number"]));
}

#[test]
fn what_a_member_approves_is_read_from_the_chain() {
    let stage = stage();
    assert_eq!(shown(stage, &[approve(30)], 4)["instructions"][0]["kind"], "foreign", "nobody has proposed it");

    // The accounts as the program writes them: a vote in its first second, and its message.
    let vote = |index: u64| {
        let head = [&[26, 94, 189, 187, 116, 136, 53, 33][..], MULTISIG.as_ref(), &index.to_le_bytes()].concat();
        let data = [&head[..], &[1], &1_700_000_000u64.to_le_bytes(), &[255], &[0; 12], &[0; 96]].concat();
        Placed { address: proposal(index), owner: SQUADS, data }
    };
    let message = |index: u64, head: [u8; 8], instructions: &[Instruction]| {
        let start = [&head[..], MULTISIG.as_ref(), MEMBER.as_ref(), &index.to_le_bytes(), &[255, 0, 255]].concat();
        let data = [&start[..], &long(0), &inner(instructions, long, long)].concat();
        Placed { address: transaction(index), owner: SQUADS, data }
    };
    const MESSAGE: [u8; 8] = [168, 250, 162, 100, 81, 14, 162, 207];
    let wish = wanted(stage, &stage.site.market);
    let foreign = Instruction { program_id: MEMBER, accounts: vec![], data: vec![1] };
    let placed = vec![
        vote(31),
        message(31, MESSAGE, &wish),
        vote(32),
        message(32, MESSAGE, &[foreign]),
        // A change of the members, for instance.
        vote(33),
        message(33, [1; 8], &wish),
        // It goes in circles.
        vote(34),
        message(34, MESSAGE, &[approve(34)]),
    ];
    stage.wait(stage.network.place(placed)).expect("accounts");

    for one in [approve(31), execute(31)] {
        let told = shown(stage, &[one], 0);
        let step = &told["instructions"][0];
        assert_eq!((&step["kind"], &step["arguments"]["transactionIndex"]), (&"multisig".into(), &"31".into()));
        assert_eq!(step["inside"][1]["change"]["to"], MEMBER.to_string());
    }
    let told = shown(stage, &[approve(32)], 4);
    assert!(told["instructions"][0]["inside"][0]["warnings"][0].as_str().expect("one").contains("UNKNOWN"), "{told}");
    let told = shown(stage, &[approve(33)], 4);
    let warning = told["instructions"][0]["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("no vault transaction that can be read"), "{warning}");
    let told = shown(stage, &[approve(34)], 4);
    let step = &told["instructions"][0]["inside"][0]["inside"][0];
    assert_eq!((&step["kind"], &told["understood"]), (&"foreign".into(), &false.into()));
    // Somebody else's message is executed in the place of the approved one.
    let mut swapped = execute(31);
    swapped.accounts[2].pubkey = transaction(32);
    let told = shown(stage, &[swapped], 4);
    assert_eq!(told["instructions"][0]["objections"], json!([format!("the proposal is about {}", transaction(31))]));
}
