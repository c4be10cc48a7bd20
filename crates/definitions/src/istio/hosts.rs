//! The hosts of a VirtualService, as a test of a request's host.

use super::entry::Text;
use super::formula::escaped;
use super::place::Place;
use crate::report::Refused;

/// The domain of services in the cluster.
const DOMAIN: &str = "svc.cluster.local";
/// The longest pattern.
const MAX_PATTERN: usize = 1000;

/// A host, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// What it ends with, from the dot on.
    Suffix(String),
    Exact(String),
}

/// The hosts of a VirtualService.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hosts(Vec<Host>);

/// The whole name of a service, as Istio resolves short ones.
pub(crate) fn whole(name: &str, namespace: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.contains(['.', '*']) { name } else { format!("{name}.{namespace}.{DOMAIN}") }
}

impl Hosts {
    /// Reads `hosts` of a `spec`. In a mesh, services have shorter names too.
    pub(crate) fn read(spec: &Place<'_>, namespace: &str, in_mesh: bool) -> Result<Self, Refused> {
        let mut hosts = Vec::new();
        for item in spec.items("hosts")? {
            let name = item.text()?;
            match name.strip_prefix('*') {
                Some("") => hosts.push(Host::Any),
                Some(suffix) if suffix.starts_with('.') && !suffix.contains('*') => {
                    hosts.push(Host::Suffix(suffix.to_ascii_lowercase()));
                }
                _ if name.is_empty() || name.contains('*') => {
                    return Err(
                        item.refuse(format!("{name:?} is not a host: `*` stands for its first parts"))
                    );
                }
                _ => {
                    let whole = whole(name, namespace);
                    if in_mesh {
                        hosts.extend(shorter(&whole, namespace).into_iter().map(Host::Exact));
                    }
                    hosts.push(Host::Exact(whole));
                }
            }
        }
        Ok(Self(hosts))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How specific they are: Envoy looks for a whole name first, then for the longest end. Smaller is earlier.
    pub(crate) fn rank(&self) -> (u8, usize) {
        let rank = |host: &Host| match host {
            Host::Exact(_) => (0, 0),
            Host::Suffix(suffix) => (1, usize::MAX - suffix.len()),
            Host::Any => (2, 0),
        };
        self.0.iter().map(rank).max().unwrap_or_default()
    }

    /// Whether a host can be one of both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|one| other.0.iter().any(|another| one.covers(another) || another.covers(one)))
    }

    /// Whether each host that can be one of both is found here first.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.0.iter().all(|one| {
            other.0.iter().all(|another| {
                !one.covers(another) && !another.covers(one) || *one != *another && another.covers(one)
            })
        })
    }

    /// The test of a request's host, with any port or none; `None` where every host will do.
    ///
    /// # Errors
    /// If there are too many for a pattern.
    pub(crate) fn test(&self, spec: &Place<'_>) -> Result<Option<Text>, Refused> {
        if self.0.contains(&Host::Any) {
            return Ok(None);
        }
        let part = |host: &Host| match host {
            Host::Any => String::new(),
            Host::Suffix(suffix) => format!(".+{}", escaped(suffix)),
            Host::Exact(name) => escaped(name),
        };
        let parts: Vec<String> = self.0.iter().map(part).collect();
        let pattern = match parts.as_slice() {
            [one] => format!("{one}(:[0-9]+)?"),
            several => format!("({})(:[0-9]+)?", several.join("|")),
        };
        if pattern.len() > MAX_PATTERN {
            return Err(spec.refuse("its hosts are too many for a pattern: divide it"));
        }
        Ok(Some(Text::Regex(pattern)))
    }
}

impl Host {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Suffix(end), Self::Exact(name)) => name.len() > end.len() && name.ends_with(end.as_str()),
            (Self::Suffix(end), Self::Suffix(other)) => other.ends_with(end.as_str()),
            (one, another) => one == another,
        }
    }
}

/// The names that callers in the mesh use for a service.
fn shorter(whole: &str, namespace: &str) -> Vec<String> {
    let Some(name) = whole.strip_suffix(DOMAIN).and_then(|name| name.strip_suffix('.')) else {
        return Vec::new();
    };
    let Some((service, of)) = name.split_once('.').filter(|(_, of)| !of.contains('.')) else {
        return Vec::new();
    };
    let mut names = if of == namespace { vec![service.to_owned()] } else { Vec::new() };
    names.extend([name.to_owned(), format!("{name}.svc")]);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hosts(names: &[&str]) -> Hosts {
        let spec = json!({"hosts": names});
        Hosts::read(&Place::document(&spec, 0), "shop", true).unwrap()
    }

    #[test]
    fn services_have_several_names() {
        let spec = json!({});
        let test = |names: &[&str]| hosts(names).test(&Place::document(&spec, 0)).unwrap();
        let pattern = r"(web|web\.shop|web\.shop\.svc|web\.shop\.svc\.cluster\.local)(:[0-9]+)?";
        assert_eq!(test(&["web"]), Some(Text::Regex(pattern.into())));
        assert_eq!(test(&["a.example.com"]), Some(Text::Regex(r"a\.example\.com(:[0-9]+)?".into())));
        assert_eq!(test(&["*.example.com"]), Some(Text::Regex(r".+\.example\.com(:[0-9]+)?".into())));
        assert_eq!(test(&["a", "*"]), None);
        assert_eq!(hosts(&["web.other.svc.cluster.local"]).0.len(), 3, "the shortest is another service's");
    }

    #[test]
    fn whole_names_come_first() {
        let (whole, end, all) = (hosts(&["a.example.com"]), hosts(&["*.example.com"]), hosts(&["*"]));
        assert!(whole.rank() < end.rank() && end.rank() < all.rank());
        assert!(whole.overlaps(&end) && whole.is_before(&end) && !end.is_before(&whole));
        assert!(end.is_before(&all));
        assert!(!whole.is_before(&whole) && !whole.overlaps(&hosts(&["b.example.com"])));
        let mixed = hosts(&["*", "b.example.com"]);
        assert!(!mixed.is_before(&end) && !end.is_before(&mixed));
    }
}
