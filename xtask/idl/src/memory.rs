//! How types lie in memory. Anchor's builder marks accounts that are read in place, and not what they contain; and it lists
//! each type once, with one encoding, also where the program has it in an account and as an argument. From such a description
//! `declare_program!` makes code that does not compile.
//!
//! So whatever an account read in place contains is marked like it. What is an argument or part of an event as well is listed a
//! second time, as `NameRecord`, and accounts contain that.

use std::collections::BTreeSet;

use anchor_lang_idl::types::{
    Idl, IdlDefinedFields, IdlEnumVariant, IdlSerialization, IdlType, IdlTypeDef, IdlTypeDefTy,
};

/// Marks and lists.
pub fn complete(idl: &mut Idl) {
    let in_place = |def: &IdlTypeDef| def.serialization == IdlSerialization::Bytemuck;
    let records = reached(&idl.types, idl.types.iter().filter(|def| in_place(def)).flat_map(|def| names(&def.ty)));
    let arguments = idl.instructions.iter().flat_map(|instruction| &instruction.args);
    let arguments = arguments.flat_map(|argument| name(&argument.ty).map(str::to_owned));
    let events = idl.events.iter().map(|event| event.name.clone());
    let encoded = reached(&idl.types, arguments.chain(events));

    let mut types = Vec::new();
    for mut def in std::mem::take(&mut idl.types) {
        let record = records.contains(&def.name);
        if record && encoded.contains(&def.name) && !in_place(&def) {
            types.push(def.clone());
            def.name = record_name(&def.name);
        }
        if record {
            def.serialization = IdlSerialization::Bytemuck;
        }
        if def.serialization == IdlSerialization::Bytemuck {
            rename(&mut def.ty, |name| records.contains(name) && encoded.contains(name));
        }
        types.push(def);
    }
    types.sort_by(|a, b| a.name.cmp(&b.name));
    idl.types = types;
}

fn record_name(name: &str) -> String {
    format!("{name}Record")
}

/// These types and all that they contain.
fn reached(types: &[IdlTypeDef], first: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = first.collect();
    while let Some(next) = open.pop() {
        if let Some(def) = types.iter().find(|def| def.name == next) {
            open.extend(names(&def.ty).into_iter().filter(|name| !found.contains(name)));
        }
        found.insert(next);
    }
    found
}

/// The types that a definition names.
fn names(ty: &IdlTypeDefTy) -> Vec<String> {
    let mut ty = ty.clone();
    let mut found = Vec::new();
    each_type(&mut ty, &mut |ty| found.extend(name(ty).map(str::to_owned)));
    found
}

fn rename(ty: &mut IdlTypeDefTy, which: impl Fn(&str) -> bool) {
    each_type(ty, &mut |ty| {
        if let IdlType::Defined { name, .. } = innermost(ty)
            && which(name)
        {
            *name = record_name(name);
        }
    });
}

fn each_type(ty: &mut IdlTypeDefTy, see: &mut impl FnMut(&mut IdlType)) {
    let of_fields = |fields: &mut Option<IdlDefinedFields>, see: &mut dyn FnMut(&mut IdlType)| match fields {
        Some(IdlDefinedFields::Named(fields)) => fields.iter_mut().for_each(|field| see(&mut field.ty)),
        Some(IdlDefinedFields::Tuple(types)) => types.iter_mut().for_each(see),
        None => {}
    };
    match ty {
        IdlTypeDefTy::Struct { fields } => of_fields(fields, see),
        IdlTypeDefTy::Enum { variants } => {
            variants.iter_mut().for_each(|IdlEnumVariant { fields, .. }| of_fields(fields, see));
        }
        IdlTypeDefTy::Type { alias } => see(alias),
    }
}

fn name(ty: &IdlType) -> Option<&str> {
    match ty {
        IdlType::Defined { name, .. } => Some(name),
        IdlType::Option(inner) | IdlType::Vec(inner) | IdlType::Array(inner, _) => name(inner),
        _ => None,
    }
}

fn innermost(ty: &mut IdlType) -> &mut IdlType {
    match ty {
        IdlType::Option(inner) | IdlType::Vec(inner) | IdlType::Array(inner, _) => innermost(inner),
        ty => ty,
    }
}
