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
//! (`skip_serializing…`) are loaded nevertheless. The members of a field that is `#[serde(flatten)]` are read as the
//! type's own, which is how several types share some members. `#[load(one_or_many)]` on a list accepts a single value
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
    let (body, members) = match &input.data {
        Data::Enum(data) => (words(&container, data)?, TokenStream::new()),
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => {
                (quote!(::weir_core::load::object(node, problems)), members(&container, fields, input)?)
            }
            fields => (wrapper(&container, fields)?, TokenStream::new()),
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
        #members
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

/// The members of an object by name; the rest is as `Default` says.
fn members(container: &Container, fields: &FieldsNamed, input: &DeriveInput) -> Result<TokenStream> {
    if !(container.default && container.deny_unknown_fields) {
        let message = "is read as `#[serde(default, deny_unknown_fields)]` says, so it has to say so";
        return Err(Error::new(input.ident.span(), message));
    }
    // The members of a flattened field are a group of names of their own, so that they keep their place among ours.
    let mut groups = Vec::new();
    let (mut names, mut cases) = (Vec::new(), Vec::new());
    for field in &fields.named {
        let read = Field::read(field)?;
        let ident = &field.ident;
        if read.flatten {
            groups.extend(group(&mut names));
            let (ty, number) = (&field.ty, groups.len());
            groups.push(quote!(::weir_core::load::only_group::<#ty>()));
            cases.push(quote! {
                (#number, _) => ::weir_core::load::Members::load_member(&mut self.#ident, (0, index.1), node, problems),
            });
        } else {
            let (group, index, load) = (groups.len(), names.len(), read.load());
            names.push(container.rename_all.field(&read, field));
            cases.push(quote! {
                (#group, #index) => ::weir_core::load::keep(&mut self.#ident, #load(node, problems)),
            });
        }
    }
    groups.extend(group(&mut names));
    let name = &input.ident;
    Ok(quote! {
        impl ::weir_core::load::Members for #name {
            const NAMES: &'static [&'static [&'static str]] = &[#(#groups),*];

            fn load_member(
                &mut self,
                index: (usize, usize),
                node: &::weir_core::load::Node<'_>,
                problems: &mut ::weir_core::Problems,
            ) {
                match index {
                    #(#cases)*
                    _ => {}
                }
            }
        }
    })
}

/// The names so far as a group.
fn group(names: &mut Vec<String>) -> Option<TokenStream> {
    let names = std::mem::take(names);
    (!names.is_empty()).then(|| quote!(&[#(#names),*]))
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
