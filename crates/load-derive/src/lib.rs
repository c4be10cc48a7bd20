//! `#[derive(Load)]`: reads a configuration type out of a parsed document; see `weir_core::load`.
//!
//! Serde's derive makes a visitor for each type and each of its fields, which were 80 kB of a module of
//! 500. This one makes a list of names and a `match` over it. It knows just what the language needs:
//!
//! - structs with named fields, all of which may be absent: `#[serde(default, deny_unknown_fields)]`;
//! - enums of plain words;
//! - wrappers of one type: `#[serde(transparent)]`.
//!
//! Names follow serde's own attributes (`rename_all`, `rename`), because serde still serialises the types and
//! schemars describes them, and all three must agree. Fields that are skipped in serialisation
//! (`skip_serializing…`) are loaded nevertheless. `#[load(one_or_many)]` on a list accepts a single value
//! without brackets. `#[load(secret)]` on a type keeps its content out of all problems.

#![forbid(unsafe_code)]

mod attributes;

use attributes::{Container, Field};
use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Fields, FieldsNamed, Result, parse_macro_input};

/// Implements `weir_core::load::Load`; see the crate.
#[proc_macro_derive(Load, attributes(load, serde))]
pub fn derive_load(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implementation(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn implementation(input: &DeriveInput) -> Result<TokenStream> {
    let container = Container::read(&input.attrs)?;
    let body = match &input.data {
        Data::Enum(data) => words(&container, data)?,
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => object(&container, fields, input)?,
            fields => wrapper(&container, fields)?,
        },
        Data::Union(data) => return Err(Error::new(data.union_token.span(), "unions cannot be read")),
    };
    let name = &input.ident;
    let hide = container.secret.then(|| quote!(let node = &node.hidden();));
    Ok(quote! {
        impl ::weir_core::load::Load for #name {
            fn load(
                node: &::weir_core::load::Node<'_>,
                problems: &mut ::weir_core::Problems,
            ) -> ::core::option::Option<Self> {
                #hide
                #body
            }
        }
    })
}

/// What it wraps.
fn wrapper(container: &Container, fields: &Fields) -> Result<TokenStream> {
    let only = fields.iter().next().filter(|_| container.transparent && fields.len() == 1);
    let Some(field) = only else {
        return Err(Error::new(fields.span(), "wrappers of one value are read, when they are `transparent`"));
    };
    let load = Field::read(field)?.load();
    Ok(quote!(#load(node, problems).map(Self)))
}

/// An object: its members by name, the rest as `Default` says.
fn object(container: &Container, fields: &FieldsNamed, input: &DeriveInput) -> Result<TokenStream> {
    if !(container.default && container.deny_unknown_fields) {
        let message = "is read as `#[serde(default, deny_unknown_fields)]` says, so it has to say so";
        return Err(Error::new(input.ident.span(), message));
    }
    let (mut names, mut members) = (Vec::new(), Vec::new());
    for (index, field) in fields.named.iter().enumerate() {
        let read = Field::read(field)?;
        names.push(container.rename_all.field(&read, field));
        let (ident, load) = (&field.ident, read.load());
        members.push(quote!(#index => ::weir_core::load::keep(&mut new.#ident, #load(node, problems)),));
    }
    Ok(quote! {
        let mut new = Self::default();
        let read = node.members(problems, &[#(#names),*], &mut |index, node, problems| match index {
            #(#members)*
            _ => {}
        });
        read.then_some(new)
    })
}

/// One of some words.
fn words(container: &Container, data: &DataEnum) -> Result<TokenStream> {
    let (mut names, mut cases) = (Vec::new(), Vec::new());
    for (index, variant) in data.variants.iter().enumerate() {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(variant.span(), "only enums of plain words can be read"));
        }
        let ident = &variant.ident;
        names.push(container.rename_all.word(&ident.to_string()));
        cases.push(quote!(#index => ::core::option::Option::Some(Self::#ident),));
    }
    Ok(quote! {
        match node.word(problems, &[#(#names),*])? {
            #(#cases)*
            _ => ::core::option::Option::None,
        }
    })
}
