//! Cookies of requests that Envoy redirects itself.
//!
//! An internal redirect (`internal_redirect_policy`) makes a new stream of a request, which passes all filters once
//! more, without the cookies that the first pass meant to set: its response never reached the client. So what was
//! set is kept in filter state that lives as long as the client's request, where no client can write. Only
//! requests with `x-envoy-original-url`, which the proxy gives to those that it redirects, cost a look at it.

use weir_core::RequestView;
use weir_core::ids::State;
use weir_core::{Compiler, Effects, HostServices, Passes, Request};

/// Where a cookie's value is kept for a further pass.
#[derive(Debug)]
pub(crate) struct Carried {
    passes: Passes,
    state: State,
    name: String,
}

impl Carried {
    pub(crate) fn compile(cookie: &str, compiler: &mut Compiler<'_>) -> Self {
        let name = ["cookie.", cookie].concat();
        Self { passes: compiler.passes(), state: compiler.lasting_state(&name), name }
    }

    #[cold]
    pub(crate) fn value<O: HostServices>(&self, request: &Request<'_, O>) -> Option<Box<[u8]>> {
        request.text(self.passes.redirected)?;
        request.services().property(&Passes::state(&self.name)).map(|value| Box::from(&*value))
    }

    #[cold]
    pub(crate) fn keep(&self, value: &[u8], effects: &mut Effects) {
        let value = effects.make(|out| out.extend_from_slice(value));
        effects.states.push((self.state, value.into()));
    }
}
