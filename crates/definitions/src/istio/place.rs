//! Reading resources: values that know where they are, and refuse what nobody knows.

use crate::report::Refused;
use serde_json::{Map, Value};

/// A value and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Place<'v> {
    pub(crate) value: &'v Value,
    /// As a JSON pointer.
    pub(crate) pointer: String,
    /// For people: `http[0].match[1].port`, below `spec`.
    pub(crate) path: String,
}

impl<'v> Place<'v> {
    /// A document.
    pub(crate) fn document(value: &'v Value, index: usize) -> Self {
        Self { value, pointer: format!("/{index}"), path: String::new() }
    }

    /// Why it is left out.
    pub(crate) fn refuse(&self, message: impl std::fmt::Display) -> Refused {
        let message =
            if self.path.is_empty() { message.to_string() } else { format!("{}: {message}", self.path) };
        Refused { message, at: self.pointer.clone() }
    }

    fn object(&self) -> Result<&'v Map<String, Value>, Refused> {
        self.value.as_object().ok_or_else(|| self.refuse("expected an object"))
    }

    /// Refuses members that have other names than these: what they mean is unknown.
    pub(crate) fn known(&self, names: &[&str]) -> Result<(), Refused> {
        match self.object()?.iter().find(|(name, value)| !names.contains(&name.as_str()) && !value.is_null())
        {
            None => Ok(()),
            Some((name, _)) => Err(self.refuse(format!(
                "unknown field `{name}`{}",
                weir_core::problem::did_you_mean(name, names.iter().copied())
            ))),
        }
    }

    /// A member that is there and not null. `spec` and `metadata` leave no trace in the path for people.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.member(name, value))
    }

    fn member(&self, name: &str, value: &'v Value) -> Self {
        let pointer = format!("{}{}", self.pointer, crate::report::pointer(&[name]));
        let path = match self.path.as_str() {
            "" if matches!(name, "spec" | "metadata" | "items") => String::new(),
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        Self { value, pointer, path }
    }

    /// The items of a list that may be absent.
    pub(crate) fn items(&self, name: &str) -> Result<Vec<Self>, Refused> {
        let Some(list) = self.get(name) else { return Ok(Vec::new()) };
        let items = list.value.as_array().ok_or_else(|| list.refuse("expected a list"))?;
        let item = |(index, value)| Self {
            value,
            pointer: format!("{}/{index}", list.pointer),
            // The items of a List are resources.
            path: if list.path.is_empty() { String::new() } else { format!("{}[{index}]", list.path) },
        };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The members of an object that may be absent, in their order.
    pub(crate) fn members(&self, name: &str) -> Result<Vec<(&'v str, Self)>, Refused> {
        let Some(object) = self.get(name) else { return Ok(Vec::new()) };
        let members = object.object()?;
        Ok(members.iter().map(|(name, value)| (name.as_str(), object.member(name, value))).collect())
    }

    /// The text that it is.
    pub(crate) fn text(&self) -> Result<&'v str, Refused> {
        self.value.as_str().ok_or_else(|| self.refuse("expected a string"))
    }

    /// A text that may be absent or empty, which is the same to Istio.
    pub(crate) fn text_of(&self, name: &str) -> Result<Option<&'v str>, Refused> {
        let text = self.get(name).map(|it| it.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A list of texts that may be absent.
    pub(crate) fn texts_of(&self, name: &str) -> Result<Vec<String>, Refused> {
        self.items(name)?.iter().map(|it| it.text().map(str::to_owned)).collect()
    }

    /// Whether a member is true.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refused> {
        let Some(flag) = self.get(name) else { return Ok(false) };
        flag.value.as_bool().ok_or_else(|| flag.refuse("expected true or false"))
    }
}
