//! What refers to an image in its registry: signatures, lists of parts.
//!
//! The distribution specification 1.1 has an interface for it. Registries that lack it (Docker's own up to 2.8, among
//! others) get what the specification says for them: an index under a tag that is made of the image's digest.

use super::image::Image;
use super::layout::{Descriptor, Index, OCI_INDEX};
use super::registry::{MAX_MANIFEST, Registry, well_formed};
use anyhow::{Context as _, anyhow, bail};
use http::HeaderValue;
use http::header::LINK;
use oci_spec::distribution::Reference;

/// The header by which a registry says that it keeps the list itself.
const KEPT: &str = "oci-subject";
/// How many pages of a list are read.
const MAX_PAGES: usize = 20;

impl Descriptor {
    /// Whether it is what it says it refers with. Lists may have everything that refers.
    pub(super) fn is_artifact(&self, artifact_type: &str) -> bool {
        self.artifact_type.as_deref() == Some(artifact_type)
    }
}

impl Registry {
    /// Sends an artifact that refers to an image, by its digest, and has it listed as `listed`.
    ///
    /// # Errors
    /// What the registry says.
    pub(super) fn push_referrer(
        &self,
        reference: &Reference,
        artifact: &Image,
        listed: Descriptor,
        subject: &str,
    ) -> anyhow::Result<()> {
        let answer = self.push_as(reference, &artifact.digest(), artifact)?;
        if answer.headers.contains_key(KEPT) {
            return Ok(());
        }
        let tagged = tagged(reference, subject);
        let mut index = self.tagged_index(&tagged)?;
        if index.manifests.iter().any(|other| other.digest == listed.digest) {
            return Ok(());
        }
        index.manifests.push(listed);
        let bytes = serde_json::json!(index).to_string().into_bytes();
        let name = tagged.tag().unwrap_or_default().to_owned();
        self.put_manifest(&tagged, &name, OCI_INDEX, bytes).map(drop)
    }

    /// What refers to the image with this digest, of one type; registries may list others, too.
    ///
    /// # Errors
    /// What the registry says. That nothing refers to it is none.
    pub(super) fn referrers(
        &self,
        reference: &Reference,
        subject: &str,
        artifact_type: &str,
    ) -> anyhow::Result<Vec<Descriptor>> {
        well_formed(subject)?;
        let mut url = self.url(reference, &format!("{}/referrers/{subject}", reference.repository()))?;
        url.query_pairs_mut().append_pair("artifactType", artifact_type);
        let mut found = Vec::new();
        for page in 0..MAX_PAGES {
            let accepted = Some(HeaderValue::from_static(OCI_INDEX));
            let answer = self.get(reference, url.clone(), accepted, MAX_MANIFEST, &|_| ())?;
            let answer = answer.map_err(|fault| self.broken(reference, fault))?;
            let index: Index = match answer.status {
                200 => serde_json::from_slice(&answer.body)
                    .map_err(|_| anyhow!("{reference}: the list of what refers to it is not an index"))?,
                // It has no such interface.
                404 | 405 if page == 0 => self.tagged_index(&tagged(reference, subject))?,
                _ => return Err(self.explain(reference, &answer)),
            };
            found.extend(index.manifests.into_iter().filter(|found| found.is_artifact(artifact_type)));
            let Some(next) = answer.headers.get(LINK).and_then(next_page) else { return Ok(found) };
            url = self.following(&url, next).with_context(|| reference.clone())?;
        }
        bail!("{reference}: the list of what refers to it has more than {MAX_PAGES} pages")
    }

    fn tagged_index(&self, tagged: &Reference) -> anyhow::Result<Index> {
        match self.find_manifest(tagged)? {
            Some(answer) => serde_json::from_slice(&answer.bytes)
                .map_err(|_| anyhow!("{tagged} is not the index of what refers to an image")),
            None => Ok(Index::default()),
        }
    }
}

/// Where `link` says that the list goes on.
fn next_page(link: &HeaderValue) -> Option<&str> {
    let (address, parameters) = link.to_str().ok()?.strip_prefix('<')?.split_once('>')?;
    parameters.split(';').any(|one| matches!(one.trim(), "rel=next" | "rel=\"next\"")).then_some(address)
}

/// The tag of the index of what refers to an image, where the registry keeps none.
fn tagged(reference: &Reference, subject: &str) -> Reference {
    let (registry, repository) = (reference.registry().to_owned(), reference.repository().to_owned());
    Reference::with_tag(registry, repository, subject.replacen(':', "-", 1))
}

#[cfg(test)]
mod tests {
    use super::super::layout::digest;
    use super::*;

    #[test]
    fn the_tag_is_made_of_the_digest() {
        let image: Reference = "r.example/a/b:1".parse().unwrap();
        let digest = digest(b"");
        assert_eq!(tagged(&image, &digest).tag(), Some(digest.replace(':', "-").as_str()));
    }

    #[test]
    fn pages_are_followed_by_their_links() {
        let next = |link: &'static str| next_page(&HeaderValue::from_static(link)).map(str::to_owned);
        assert_eq!(next("</v2/a/referrers/x?n=2>; rel=\"next\"").as_deref(), Some("/v2/a/referrers/x?n=2"));
        assert_eq!(next("<b>; title=x; rel=next").as_deref(), Some("b"));
        for odd in ["", "<b", "b; rel=next", "<b>; rel=\"prev\"", "<b>"] {
            assert_eq!(next(odd), None, "{odd}");
        }
    }
}
