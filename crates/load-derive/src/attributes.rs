//! The attributes `#[serde(…)]` and `#[load(…)]` of a type and its fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, LitStr, Result, Token};

/// Of a type.
#[derive(Default)]
pub(crate) struct Container {
    /// How its names are spelled in a document.
    pub(crate) rename_all: Spelling,
    /// Absent members are as in its `Default`.
    pub(crate) default: bool,
    /// Members that it does not have are refused.
    pub(crate) deny_unknown_fields: bool,
    /// It is read as what it wraps.
    pub(crate) transparent: bool,
    /// It is a secret or has one: problems do not show the content.
    pub(crate) secret: bool,
}

/// How names are spelled in a document.
#[derive(Clone, Copy, Default)]
pub(crate) enum Spelling {
    /// As in Rust.
    #[default]
    Same,
    /// `likeThis`.
    Camel,
    /// `LIKE_THIS`, of enums.
    ScreamingSnake,
}

/// Of a field.
#[derive(Default)]
pub(crate) struct Field {
    rename: Option<String>,
    one_or_many: bool,
    /// Its members are members of the type that it is a field of.
    pub(crate) flatten: bool,
}

impl Container {
    pub(crate) fn read(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("load")) {
            attribute.parse_nested_meta(|meta| match name(&meta).as_str() {
                "secret" => {
                    container.secret = true;
                    Ok(())
                }
                _ => Err(meta.error("not known to derive(Load)")),
            })?;
        }
        for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                match name(&meta).as_str() {
                    "default" => container.default = true,
                    "deny_unknown_fields" => container.deny_unknown_fields = true,
                    "transparent" => container.transparent = true,
                    "rename_all" => container.rename_all = Spelling::read(&meta)?,
                    _ => return Err(meta.error("not known to derive(Load)")),
                }
                Ok(())
            })?;
        }
        Ok(container)
    }
}

impl Spelling {
    fn read(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        let text: LitStr = meta.value()?.parse()?;
        match text.value().as_str() {
            "camelCase" => Ok(Self::Camel),
            "SCREAMING_SNAKE_CASE" => Ok(Self::ScreamingSnake),
            _ => Err(meta.error("derive(Load) knows camelCase and SCREAMING_SNAKE_CASE")),
        }
    }

    /// The name of a struct's field, which is `snake_case` in Rust.
    pub(crate) fn field(self, read: &Field, field: &syn::Field) -> String {
        let ident = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        match (&read.rename, self) {
            (Some(name), _) => name.clone(),
            (None, Self::Camel) => {
                let mut words = ident.split('_');
                let first = words.next().unwrap_or_default().to_owned();
                words.fold(first, |name, word| name + &capitalized(word))
            }
            (None, _) => ident,
        }
    }

    /// The name of an enum's variant, which is `CamelCase` in Rust.
    pub(crate) fn word(self, ident: &str) -> String {
        match self {
            Self::Same => ident.to_owned(),
            Self::Camel => {
                ident.get(..1).unwrap_or_default().to_lowercase() + ident.get(1..).unwrap_or_default()
            }
            Self::ScreamingSnake => {
                let mut name = String::new();
                for letter in ident.chars() {
                    if letter.is_uppercase() && !name.is_empty() {
                        name.push('_');
                    }
                    name.extend(letter.to_uppercase());
                }
                name
            }
        }
    }
}

impl Field {
    pub(crate) fn read(field: &syn::Field) -> Result<Self> {
        let mut read = Self::default();
        for attribute in &field.attrs {
            if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| {
                    match name(&meta).as_str() {
                        "rename" => read.rename = Some(meta.value()?.parse::<LitStr>()?.value()),
                        "flatten" => read.flatten = true,
                        // How it is written changes nothing in how it is read.
                        "skip_serializing" | "skip_serializing_if" => {
                            if meta.input.peek(Token![=]) {
                                meta.value()?.parse::<Expr>()?;
                            }
                        }
                        _ => return Err(meta.error("not known to derive(Load)")),
                    }
                    Ok(())
                })?;
            } else if attribute.path().is_ident("load") {
                attribute.parse_nested_meta(|meta| match name(&meta).as_str() {
                    "one_or_many" => {
                        read.one_or_many = true;
                        Ok(())
                    }
                    _ => Err(meta.error("not known to derive(Load)")),
                })?;
            }
        }
        Ok(read)
    }

    /// The function that reads it.
    pub(crate) fn load(&self) -> TokenStream {
        if self.one_or_many {
            quote!(::weir_core::load::one_or_many)
        } else {
            quote!(::weir_core::load::Load::load)
        }
    }
}

fn name(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
