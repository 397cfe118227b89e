//! Instructions of this program, decoded by the committed description of its interface. Every byte and every account has
//! to be accounted for.

use std::sync::LazyLock;

use anchor_lang::solana_program::instruction::Instruction;
use ballast::ID;
use serde_json::{Map, Value, json};

use crate::Pubkey;

/// The description of the program's interface, as it is published.
static INTERFACE: LazyLock<Value> = LazyLock::new(|| {
    // It is compiled in, and a test reads it.
    serde_json::from_str(include_str!("../idls/ballast.json")).unwrap_or_default()
});

/// Arguments that are indexes of assets.
const INDEXES: [&str; 3] = ["asset", "debt_asset", "collateral_asset"];
/// The one instruction that takes further accounts.
const OPEN_ENDED: &str = "refresh_prices";

/// An account as an instruction sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub address: Pubkey,
    pub signer: bool,
    pub writable: bool,
}

/// What an instruction says.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// As in the description: `borrow`.
    pub name: String,
    /// By name. Numbers above 32 bits and addresses are text.
    pub arguments: Value,
    /// Names of the accounts, with what is in their place; `None` for an optional one that is left out.
    pub accounts: Vec<(String, Option<Named>)>,
}

impl Decoded {
    /// The address of the account of a name.
    pub fn account(&self, name: &str) -> Option<Pubkey> {
        self.accounts.iter().find(|(known, _)| known == name)?.1.map(|named| named.address)
    }

    /// The indexes of assets that it names.
    pub fn assets(&self) -> Vec<u8> {
        let direct = INDEXES.iter().map(|key| &self.arguments[*key]);
        let paused = std::iter::once(&self.arguments["paused"]["Asset"]);
        let listed = self.arguments["assets"].as_array().into_iter().flatten();
        direct.chain(paused).chain(listed).filter_map(byte).collect()
    }
}

/// Decodes an instruction as a builder makes it.
///
/// # Errors
/// What is wrong with it, for people.
pub fn instruction(instruction: &Instruction) -> Result<Decoded, String> {
    if instruction.program_id != ID {
        return Err(format!("the instruction is one of {}", crate::error::program_name(&instruction.program_id)));
    }
    let named = instruction.accounts.iter().map(|meta| Named {
        address: meta.pubkey,
        signer: meta.is_signer,
        writable: meta.is_writable,
    });
    parts(&instruction.data, &named.collect::<Vec<_>>())
}

/// Decodes an instruction of the program from its bytes and the accounts that it names.
///
/// # Errors
/// What is wrong with it, for people.
pub fn parts(data: &[u8], given: &[Named]) -> Result<Decoded, String> {
    let list = |value: &'static Value, key: &str| value[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let known = list(&INTERFACE, "instructions").iter().find(|known| {
        let head: Vec<u8> = list(known, "discriminator").iter().filter_map(byte).collect();
        !head.is_empty() && data.starts_with(&head)
    });
    let known = known.ok_or("no instruction of this program begins with these bytes")?;
    let name = known["name"].as_str().unwrap_or_default().to_owned();
    let mut reader = Reader { rest: data.get(list(known, "discriminator").len()..).unwrap_or_default() };
    let mut arguments = Map::new();
    for argument in list(known, "args") {
        let read = reader.value(&argument["type"]).map_err(|why| format!("{name}: {why}"))?;
        arguments.insert(argument["name"].as_str().unwrap_or_default().to_owned(), read);
    }
    if !reader.rest.is_empty() {
        return Err(format!("{name}: {} bytes are left over", reader.rest.len()));
    }
    let accounts = accounts(&name, list(known, "accounts"), given)?;
    Ok(Decoded { name, arguments: Value::Object(arguments), accounts })
}

fn byte(value: &Value) -> Option<u8> {
    value.as_u64().and_then(|number| u8::try_from(number).ok())
}

fn accounts(name: &str, known: &[Value], given: &[Named]) -> Result<Vec<(String, Option<Named>)>, String> {
    let required = known.iter().rposition(|account| account["optional"] != true).map_or(0, |at| at + 1);
    if given.len() < required {
        return Err(format!("{name}: {} accounts are named instead of {}", given.len(), known.len()));
    }
    if given.len() > known.len() && name != OPEN_ENDED {
        return Err(format!("{name}: {} accounts are named instead of {}", given.len(), known.len()));
    }
    let mut found = vec![];
    for (at, account) in given.iter().enumerate() {
        let Some(known) = known.get(at) else {
            found.push((format!("oracle {}", at + 1 - known.len()), Some(*account)));
            continue;
        };
        let called = known["name"].as_str().unwrap_or_default();
        let fixed = known["address"].as_str();
        if fixed.is_some_and(|fixed| fixed != account.address.to_string()) {
            return Err(format!("{name}: {called} is {} and must be {}", account.address, fixed.unwrap_or_default()));
        }
        // An optional account that is left out has the program in its place.
        let left_out = known["optional"] == true && account.address == ID;
        if known["signer"] == true && !account.signer {
            return Err(format!("{name}: {called} has to sign and does not"));
        }
        if known["writable"] == true && !account.writable && !left_out {
            return Err(format!("{name}: {called} has to be writable and is not"));
        }
        found.push((called.to_owned(), (!left_out).then_some(*account)));
    }
    Ok(found)
}

/// Bytes that are read from their beginning.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (head, rest) = self.rest.split_first_chunk().ok_or("the bytes end too early")?;
        self.rest = rest;
        Ok(*head)
    }

    /// Large numbers become text, so that no reader of the JSON rounds them.
    fn value(&mut self, kind: &Value) -> Result<Value, String> {
        if let Some(name) = kind.as_str() {
            return self.primitive(name);
        }
        if let Some(inner) = kind.get("option") {
            return match self.take::<1>()? {
                [0] => Ok(Value::Null),
                [1] => self.value(inner),
                [other] => Err(format!("{other} is neither absent nor present")),
            };
        }
        if let Some(inner) = kind.get("vec") {
            let count = u32::from_le_bytes(self.take()?);
            return (0..count).map(|_| self.value(inner)).collect();
        }
        if let (Some(inner), Some(count)) = (kind["array"].get(0), kind["array"].get(1).and_then(Value::as_u64)) {
            return (0..count).map(|_| self.value(inner)).collect();
        }
        match kind["defined"]["name"].as_str() {
            Some(name) => self.defined(name),
            None => Err(format!("an unknown type: {kind}")),
        }
    }

    fn primitive(&mut self, name: &str) -> Result<Value, String> {
        Ok(match name {
            "bool" => match self.take::<1>()? {
                [0] => json!(false),
                [1] => json!(true),
                [other] => return Err(format!("{other} is neither no nor yes")),
            },
            "u8" => json!(u8::from_le_bytes(self.take()?)),
            "u16" => json!(u16::from_le_bytes(self.take()?)),
            "u32" => json!(u32::from_le_bytes(self.take()?)),
            "i32" => json!(i32::from_le_bytes(self.take()?)),
            "u64" => json!(u64::from_le_bytes(self.take()?).to_string()),
            "i64" => json!(i64::from_le_bytes(self.take()?).to_string()),
            "bytes" => {
                let count = u32::from_le_bytes(self.take()?);
                (0..count).map(|_| Ok(json!(u8::from_le_bytes(self.take()?)))).collect::<Result<_, String>>()?
            }
            "pubkey" => json!(Pubkey::new_from_array(self.take()?).to_string()),
            other => return Err(format!("an unknown type: {other}")),
        })
    }

    fn defined(&mut self, name: &str) -> Result<Value, String> {
        let types = INTERFACE["types"].as_array().map(Vec::as_slice).unwrap_or_default();
        let found =
            types.iter().find(|known| known["name"] == name).ok_or_else(|| format!("an unknown type: {name}"))?;
        let kind = &found["type"];
        if kind["kind"] == "struct" {
            return self.fields(kind.get("fields"));
        }
        let [at] = self.take::<1>()?;
        let variant = kind["variants"].get(usize::from(at)).ok_or_else(|| format!("{name} has no variant {at}"))?;
        let called = variant["name"].as_str().unwrap_or_default();
        match variant.get("fields") {
            None => Ok(json!(called)),
            fields => Ok(json!({ called: self.fields(fields)? })),
        }
    }

    /// Fields with names become an object, one without a name its value, several a list.
    fn fields(&mut self, fields: Option<&Value>) -> Result<Value, String> {
        let fields = fields.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if fields.first().is_some_and(|field| field.get("name").is_none()) {
            let mut values = fields.iter().map(|kind| self.value(kind)).collect::<Result<Vec<_>, _>>()?;
            return Ok(if values.len() == 1 { values.remove(0) } else { Value::Array(values) });
        }
        let mut object = Map::new();
        for field in fields {
            object.insert(field["name"].as_str().unwrap_or_default().to_owned(), self.value(&field["type"])?);
        }
        Ok(Value::Object(object))
    }
}
