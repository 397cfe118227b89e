//! Hermes: its format against the publishers' own, its instructions, and a server that stands in for it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use ballast_client::Pubkey;
use ballast_client::local::RECEIVER;
use ballast_client::transaction::{Version, compile, transaction_bytes};
use ballast_cluster::sending::SIMULATED;
use ballast_keeper::prices::Shelf;
use ballast_keeper::prices::hermes::Hermes;
use ballast_keeper::prices::hermes::post::{Posting, Programs};
use ballast_keeper::prices::hermes::update::{Malformed, Price, parse};
use ballast_keeper::prices::source::{LARGEST, PriceSource, hex};
use ballast_keeper::rounds::posting::{Wanted, fitting, rehearse, wanted};
use ballast_keeper::rounds::publishers::difference;
use ballast_keeper::secret::Secret;
use ballast_tests::Fixture;
use base64::Engine;
use byteorder::BE;
use pyth_solana_receiver_sdk::PostUpdateParams;
use pythnet_sdk::accumulators::Accumulator;
use pythnet_sdk::accumulators::merkle::MerkleTree;
use pythnet_sdk::hashers::keccak256_160::Keccak160;
use pythnet_sdk::messages::{Message, PriceFeedMessage};
use pythnet_sdk::wire::to_vec;
use pythnet_sdk::wire::v1::{AccumulatorUpdateData, MerklePriceUpdate, Proof};
use tokio::net::TcpListener;

const TIME: i64 = 1_750_000_060;

fn message(feed: [u8; 32], price: i64) -> PriceFeedMessage {
    PriceFeedMessage {
        feed_id: feed,
        price,
        conf: 7_000,
        exponent: -8,
        publish_time: TIME,
        prev_publish_time: TIME - 1,
        ema_price: price,
        ema_conf: 7_000,
    }
}

/// A signed root of 13 signatures by guardian set 4, as long as real ones. Nobody here checks the signatures.
fn signed(root: &[u8]) -> Vec<u8> {
    let mut vaa = vec![1, 0, 0, 0, 4, 13];
    for guardian in 0..13u8 {
        vaa.push(guardian);
        vaa.extend([0xab; 65]);
    }
    // Time, nonce, chain, emitter, sequence, consistency.
    vaa.extend([0; 51]);
    vaa.extend(root);
    vaa
}

/// An update as the publishers' own library writes it, with prices that stand in a tree of a thousand.
fn update(messages: &[PriceFeedMessage]) -> Vec<u8> {
    let mut leaves: Vec<Vec<u8>> =
        messages.iter().map(|message| to_vec::<_, BE>(&Message::PriceFeedMessage(*message)).unwrap()).collect();
    leaves.extend((0..1_000u32).map(|leaf| leaf.to_be_bytes().to_vec()));
    let references: Vec<&[u8]> = leaves.iter().map(Vec::as_slice).collect();
    let tree = MerkleTree::<Keccak160>::from_set(references.iter().copied()).unwrap();
    let prove = |leaf: &Vec<u8>| MerklePriceUpdate { message: leaf.clone().into(), proof: tree.prove(leaf).unwrap() };
    let updates = leaves[..messages.len()].iter().map(prove).collect();
    let proof = Proof::WormholeMerkle { vaa: signed(&tree.serialize(9, 1)).into(), updates };
    to_vec::<_, BE>(&AccumulatorUpdateData::new(proof)).unwrap()
}

#[test]
fn an_update_of_the_publishers_library_is_read_whole() {
    let bytes = update(&[message([1; 32], 15_000_000_000), message([2; 32], -3)]);
    let found = parse(&bytes).unwrap();
    let price = |feed, price| Price { feed, price, confidence: 7_000, exponent: -8, publish_time: TIME };
    let prices: Vec<Price> = found.prices.iter().map(|proven| proven.price).collect();
    assert_eq!(prices, [price([1; 32], 15_000_000_000), price([2; 32], -3)]);
    assert_eq!(found.guardian_set(), Some(4));
    // A thousand leaves are ten levels.
    assert!(found.prices.iter().all(|proven| proven.proof.len() == 10));
    let Ok(AccumulatorUpdateData { proof: Proof::WormholeMerkle { vaa, .. }, .. }) =
        AccumulatorUpdateData::try_from_slice(&bytes)
    else {
        panic!("the library does not read its own update");
    };
    assert_eq!(found.signed, Vec::from(vaa));
}

#[test]
fn what_is_cut_off_or_altered_is_refused_and_never_panics() {
    let bytes = update(&[message([1; 32], 1)]);
    for length in 0..bytes.len() {
        assert_eq!(parse(&bytes[..length]), Err(Malformed::Short), "{length} bytes");
    }
    let with = |at: usize, byte: u8| {
        let mut altered = bytes.clone();
        altered[at] = byte;
        parse(&altered)
    };
    assert_eq!(with(0, b'X'), Err(Malformed::Magic));
    assert_eq!(with(4, 2), Err(Malformed::Version));
    assert_eq!(with(7, 1), Err(Malformed::Version));
    assert_eq!(parse(&[bytes.clone(), vec![0]].concat()), Err(Malformed::Long));
    for at in 0..bytes.len() {
        let _ = with(at, 0xff);
    }
}

#[test]
fn messages_that_are_no_prices_are_left_out_and_longer_ones_are_read() {
    let mut bytes = update(&[message([1; 32], 5)]);
    // Another kind of message, of the same length.
    let at = bytes.windows(33).position(|window| window[0] == 0 && window[1..] == [1; 32]).unwrap();
    bytes[at] = 1;
    assert_eq!(parse(&bytes).unwrap().prices, []);
    bytes[at] = 0;
    // One more byte in the message: a field that is not known yet.
    let length = u16::from_be_bytes([bytes[at - 2], bytes[at - 1]]);
    bytes[at - 2..at].copy_from_slice(&(length + 1).to_be_bytes());
    bytes.insert(at + usize::from(length), 9);
    assert_eq!(parse(&bytes).unwrap().prices[0].price.price, 5);
}

fn programs() -> Programs {
    Programs { receiver: RECEIVER, wormhole: Pubkey::new_from_array([8; 32]) }
}

/// What Anchor writes in front of an instruction.
fn discriminator(name: &str) -> Vec<u8> {
    solana_sha256_hasher::hash(format!("global:{name}").as_bytes()).to_bytes()[..8].to_vec()
}

#[test]
fn the_instructions_have_the_bytes_that_the_programs_read() {
    let bytes = update(&[message([1; 32], 5)]);
    let found = parse(&bytes).unwrap();
    let root = Pubkey::new_from_array([6; 32]);
    let posting =
        Posting { programs: programs(), payer: Pubkey::new_from_array([5; 32]), update: &found, root, treasury: 3 };
    let begin = posting.begin().unwrap();
    let index_and_bytes = borsh::to_vec(&(0u32, &found.signed)).unwrap();
    let data: Vec<&[u8]> = begin[1..].iter().map(|instruction| instruction.data.as_slice()).collect();
    assert_eq!(data[0], discriminator("init_encoded_vaa"));
    assert_eq!(data[1], [discriminator("write_encoded_vaa"), index_and_bytes].concat());
    assert_eq!(data[2], discriminator("verify_encoded_vaa_v1"));
    let Ok(AccumulatorUpdateData { proof: Proof::WormholeMerkle { updates, .. }, .. }) =
        AccumulatorUpdateData::try_from_slice(&bytes)
    else {
        panic!("the library does not read its own update");
    };
    let account = Pubkey::new_from_array([7; 32]);
    let post = posting.post(&found.prices[0], &account);
    let parameters = PostUpdateParams { merkle_price_update: updates[0].clone(), treasury_id: 3 };
    assert_eq!(post.data, [discriminator("post_update"), borsh::to_vec(&parameters).unwrap()].concat());
    assert_eq!(post.accounts[2].pubkey, pyth_solana_receiver_sdk::pda::get_config_address());
    assert_eq!(post.accounts[3].pubkey, pyth_solana_receiver_sdk::pda::get_treasury_address(3));
    let rights: Vec<_> = post.accounts.iter().map(|meta| (meta.is_signer, meta.is_writable)).collect();
    let (payer, read, written, created, signs) =
        ((true, true), (false, false), (false, true), (true, true), (true, false));
    assert_eq!(rights, [payer, read, read, written, created, read, signs]);
    let end: Vec<Vec<u8>> = posting.end(&[account]).into_iter().map(|instruction| instruction.data).collect();
    assert_eq!(end, [discriminator("reclaim_rent"), discriminator("close_encoded_vaa")]);
}

#[test]
fn the_configuration_of_the_receiver_names_the_program_that_checks_signatures() {
    use borsh::BorshSerialize;
    let wormhole = Pubkey::new_from_array([8; 32]);
    for next in [None, Some([2u8; 32])] {
        let mut data = solana_sha256_hasher::hash(b"account:Config").to_bytes()[..8].to_vec();
        ([1u8; 32], next, wormhole.to_bytes(), 1u8).serialize(&mut data).unwrap();
        assert_eq!(Programs::of(&RECEIVER, &RECEIVER, &data), Some(programs()));
        assert_eq!(Programs::of(&RECEIVER, &wormhole, &data), None);
        assert_eq!(Programs::of(&RECEIVER, &RECEIVER, &data[..60]), None);
        assert_eq!(Programs::of(&RECEIVER, &RECEIVER, &data[1..]), None);
    }
}

#[test]
fn as_many_prices_are_posted_as_fit_one_transaction() {
    let messages: Vec<PriceFeedMessage> = (0..10).map(|feed| message([feed; 32], 5)).collect();
    let found = parse(&update(&messages)).unwrap();
    let posting = Posting {
        programs: programs(),
        payer: Pubkey::new_from_array([50; 32]),
        update: &found,
        root: Pubkey::new_from_array([51; 32]),
        treasury: 0,
    };
    let wanted = |(asset, proven): (u8, &ballast_keeper::prices::hermes::update::Proven)| Wanted {
        asset,
        receiver: RECEIVER,
        proven: proven.clone(),
        second: None,
    };
    let wanted: Vec<Wanted> = (0u8..).zip(&found.prices).map(wanted).collect();
    let accounts: Vec<Pubkey> = (100..110).map(|account| Pubkey::new_from_array([account; 32])).collect();
    let market = Pubkey::new_from_array([52; 32]);
    let (instructions, count) = fitting(&posting, &market, &wanted, &accounts).unwrap().unwrap();
    let bytes = |instructions: &[_]| {
        let message = compile(Version::V1, &posting.payer, instructions, SIMULATED, &[], Default::default()).unwrap();
        transaction_bytes(&message)
    };
    assert!(bytes(&instructions) <= Version::V1.max_bytes());
    assert_eq!(instructions.len(), 4 + count + 1 + count + 1);
    let (fewer, one) = fitting(&posting, &market, &wanted[..1], &accounts).unwrap().unwrap();
    assert_eq!(one, 1);
    // One more of the same size would not have fitted.
    let each = (bytes(&instructions) - bytes(&fewer)) / (count - 1);
    assert!(bytes(&instructions) + each > Version::V1.max_bytes(), "{count} prices, {each} bytes each");
}

#[test]
fn prices_are_posted_when_they_are_newer_than_a_stored_one_that_nobody_refreshes() {
    let market = Fixture::with_assets(2);
    market.advances(61);
    let state = market.market();
    let feed = |asset: usize| state.assets[asset].sources[0].key.to_bytes();
    let now = u64::try_from(market.now()).unwrap();
    let found = parse(&update(&[message(feed(0), 15_000_000_000), message([9; 32], 1)])).unwrap();
    let assets = |oldest| wanted(&state, &found, now, oldest, |_| None).iter().map(|one| one.asset).collect::<Vec<_>>();
    assert_eq!(assets(60), [0]);
    let young = market.asset("SOL").max_age / 2;
    assert_eq!(assets(61), if young < 61 { vec![0] } else { vec![] });
    let mut fresh = state.clone();
    fresh.assets[0].publish_time = u64::try_from(TIME).unwrap();
    assert!(wanted(&fresh, &found, now, 0, |_| None).is_empty());
    // 150 dollars are stored and said.
    // The program takes the price, but none that is as uncertain as it is high.
    let clock = market.clock();
    let now = ballast_client::account::Clock { slot: clock.slot, epoch: clock.epoch, unix: now };
    let mut promising = wanted(&state, &found, now.unix, 60, |_| None).remove(0);
    assert_eq!(rehearse(&state, &promising, &Shelf::default(), &now), Ok(()));
    promising.proven.price.confidence = 15_000_000_000;
    assert!(rehearse(&state, &promising, &Shelf::default(), &now).is_err());
    let ratio = difference(&found.prices[0].price, &state.assets[0]).unwrap();
    assert!(ratio.abs() < 1e-6, "{ratio}");
}

type Asked = Arc<Mutex<Vec<(Option<String>, String)>>>;

async fn answer(
    State((asked, key)): State<(Asked, Option<&'static str>)>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let bearer = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    asked.lock().unwrap().push((bearer.clone(), query.unwrap_or_default()));
    if key.is_some_and(|key| bearer.as_deref() != Some(&format!("Bearer {key}"))) {
        return (StatusCode::UNAUTHORIZED, "who are you?".to_owned());
    }
    if key == Some("flood") {
        return (StatusCode::OK, "x".repeat(LARGEST + 1));
    }
    let data = base64::prelude::BASE64_STANDARD.encode(update(&[message([1; 32], 15_000_000_000)]));
    (StatusCode::OK, serde_json::json!({ "binary": { "encoding": "base64", "data": [data] } }).to_string())
}

/// A server that speaks as Hermes does, and wants this key.
async fn server(key: Option<&'static str>) -> (String, Asked) {
    let asked = Asked::default();
    let routes = Router::new().route("/v2/updates/price/latest", get(answer)).with_state((Arc::clone(&asked), key));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, asked)
}

#[tokio::test]
async fn the_server_is_asked_for_the_feeds_with_the_key() {
    let (url, asked) = server(Some("the-key")).await;
    let hermes = Hermes::new(Secret::new(url), Some(Secret::new("the-key"))).unwrap();
    let found = hermes.latest(&[[1; 32], [2; 32]]).await.unwrap();
    assert_eq!(found.prices, [found.updates[0].prices[0].price]);
    assert_eq!(found.prices[0].price, 15_000_000_000);
    let options = "encoding=base64&parsed=false&ignore_invalid_price_ids=true";
    let query = format!("ids[]={}&ids[]={}&{options}", hex(&[1; 32]), hex(&[2; 32]));
    assert_eq!(*asked.lock().unwrap(), [(Some("Bearer the-key".to_owned()), query)]);
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let (url, _) = server(Some("flood")).await;
    let hermes = Hermes::new(Secret::new(url), Some(Secret::new("flood"))).unwrap();
    let error = format!("{:#}", hermes.latest(&[[1; 32]]).await.unwrap_err());
    assert_eq!(error, format!("the answer of Hermes is longer than {LARGEST} bytes"));
}

#[tokio::test]
async fn without_a_key_the_refusal_says_what_is_missing() {
    let (url, _) = server(Some("the-key")).await;
    let hermes = Hermes::new(Secret::new(url), None).unwrap();
    let error = format!("{:#}", hermes.latest(&[[1; 32]]).await.unwrap_err());
    assert!(error.contains("prices.hermes.key"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:word@{}/secret-path", listener.local_addr().unwrap());
    drop(listener);
    let hermes = Hermes::new(Secret::new(url), None).unwrap();
    let error = format!("{:#}", hermes.latest(&[[1; 32]]).await.unwrap_err());
    assert!(!error.contains("word") && !error.contains("secret-path"), "{error}");
}
