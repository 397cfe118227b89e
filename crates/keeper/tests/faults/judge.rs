//! What has to be true of every case when its faults have ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ballast_keeper::journal::{Ended, Key, Record};
use ballast_keeper::rounds::End;
use solana_transaction::Signature;

use crate::case::{Outcome, missed};
use crate::chain::{Aim, Chain};
use crate::money::books;

/// What is not as it has to be.
pub fn violations(outcome: &Outcome) -> Vec<String> {
    let chain = outcome.chain.lock().expect("nobody panics holding it");
    let mut found = Vec::new();
    found.extend(doubles(outcome, &chain));
    found.extend(repeated(&chain));
    found.extend(missed(&chain));
    if !outcome.settled {
        found.push("something is under way at the end, or was missed".to_owned());
    }
    if outcome.stopped {
        found.push("the loop ended".to_owned());
    }
    if outcome.end.is_some_and(|end| end != End::Orderly) {
        found.push(format!("asked to end, it ended as {:?}", outcome.end));
    }
    for journal in &outcome.journals {
        found.extend(contradictions(journal, &chain));
    }
    found.extend(unannounced(outcome, &chain));
    found.extend(unfinished(outcome));
    found.extend(books(outcome, &chain));
    found
}

/// What was signed while an earlier transaction of the same key could still land.
fn doubles(outcome: &Outcome, chain: &Chain) -> Vec<String> {
    let mut keys: HashMap<Signature, Key> = HashMap::new();
    for journal in &outcome.journals {
        let mut intents = HashMap::new();
        for record in journal {
            match record {
                Record::Intent { id, intent } => drop(intents.insert(*id, intent.key)),
                Record::Signed { id, signed } => keys.extend(intents.get(id).map(|key| (signed.signature, *key))),
                _ => {}
            }
        }
    }
    let same =
        |(first, second): &&(Signature, Signature)| keys.contains_key(first) && keys.get(first) == keys.get(second);
    let told = |(first, second): &(Signature, Signature)| format!("{second} was signed while {first} could land");
    chain.overlaps.iter().filter(same).map(told).collect()
}

/// Liquidations, landed or failed, of a vault that an earlier one had healed at the same prices. A smaller one than is needed
/// may be followed by another.
fn repeated(chain: &Chain) -> Vec<String> {
    let mut healed = BTreeSet::new();
    let mut found = Vec::new();
    for included in &chain.included {
        let Aim::Liquidation(vault) = included.aim else { continue };
        if healed.contains(&(vault, included.prices)) {
            found.push(format!("{vault} was liquidated again in slot {}: {:?}", included.slot, included.error));
        }
        if included.heals {
            healed.insert((vault, included.prices));
        }
    }
    found
}

/// Where a journal says what the chain does not.
fn contradictions(journal: &[Record], chain: &Chain) -> Vec<String> {
    let mut found = Vec::new();
    let mut keys: BTreeMap<u64, Key> = BTreeMap::new();
    let mut signed = BTreeMap::new();
    for record in journal {
        match record {
            Record::Intent { id, intent } => {
                keys.insert(*id, intent.key);
            }
            Record::Signed { id, signed: transaction } => {
                let open = signed.keys().any(|other| keys.get(other) == keys.get(id));
                if open {
                    found.push(format!("{} was signed twice", transaction.signature));
                }
                signed.insert(*id, transaction.signature);
            }
            Record::Ended { id, how } => {
                let signature = signed.remove(id);
                let on_chain = signature.and_then(|signature| chain.statuses.get(&signature));
                let error = on_chain.map(|at| chain.included[*at].error.is_some());
                let right = match how {
                    Ended::Landed => error == Some(false),
                    Ended::Failed => error == Some(true),
                    Ended::Expired => {
                        error.is_none() && signature.is_some_and(|signature| !chain.could_land(&signature))
                    }
                    Ended::Abandoned => signature.is_none(),
                };
                if !right {
                    found.push(format!("the journal says that {signature:?} ended as {how:?}, the chain {error:?}"));
                }
            }
            Record::Opened { .. } | Record::Complete => {}
        }
    }
    found
}

/// What was sent without having been written down before.
fn unannounced(outcome: &Outcome, chain: &Chain) -> Vec<String> {
    let written: BTreeSet<String> = outcome
        .journals
        .iter()
        .flatten()
        .filter_map(|record| match record {
            Record::Signed { signed, .. } => Some(signed.signature.to_string()),
            _ => None,
        })
        .collect();
    let sent = chain.sent.iter().map(|sent| sent.signature.to_string());
    sent.filter(|signature| !written.contains(signature))
        .map(|signature| format!("{signature} is in no journal"))
        .collect()
}

/// What the last journal leaves open.
fn unfinished(outcome: &Outcome) -> Vec<String> {
    let open = outcome.journals.last().map(|journal| open_intents(journal)).unwrap_or_default();
    // An end that the full disk did not take is written with the next record, which may not have come.
    if outcome.disk_was_full { vec![] } else { open.into_iter().map(|id| format!("intent {id} has no end")).collect() }
}

/// The intents that a journal leaves open.
pub fn open_intents(journal: &[Record]) -> BTreeSet<u64> {
    let mut open = BTreeSet::new();
    for record in journal {
        match record {
            Record::Intent { id, .. } => {
                open.insert(*id);
            }
            Record::Ended { id, .. } => {
                open.remove(id);
            }
            _ => {}
        }
    }
    open
}
