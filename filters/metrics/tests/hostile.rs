//! 200,000 requests of a client that wants every series there can be. A program of its own, since it counts what is
//! allocated.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

#[path = "it/support/mod.rs"]
mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use support::{Lab, Response};

/// Counts the bytes that are in use.
struct Counting;

static USED: AtomicIsize = AtomicIsize::new(0);

#[allow(unsafe_code, reason = "there is no other way to count what is allocated")]
// SAFETY: everything is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        USED.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn hostile_requests_grow_nothing() {
    let lab = Lab::new(
        r#"{"list": [
            {"name": "a_total", "labels": {"method": "method", "path": {"source": "path", "templates": ["/", "/users/{id}"]}}},
            {"name": "b_total", "labels": {"path": {"source": "path", "atMost": 20}, "agent": "header:user-agent", "kind": {"responseHeader": "x-kind"}}},
            {"name": "d_total", "labels": {"one": {"source": "header:x-one", "atMost": 1000}, "two": {"source": "header:x-two", "atMost": 1000}}, "maxSeries": 100},
            {"name": "c_total", "labels": {"agent": {"source": "header:user-agent", "values": ["x"]}, "code": "code"}},
            {"name": "active", "type": "gauge", "labels": {"agent": "header:user-agent"}},
            {"name": "ms", "type": "histogram", "value": {"duration": "milliseconds"}, "labels": {"host": "host", "route": "route"}}]}"#,
    )
    .unwrap();
    let mut after_a_while = None;
    for i in 0..200_000u64 {
        // Knuth's multiplier: different texts, in no order.
        let noise = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (method, path) = (format!("M{noise}"), format!("/{noise:x}/{i}"));
        let agent = [&noise.to_le_bytes()[..], &[b'x'; 200]].concat();
        let (one, two) = (format!("{}", noise % 1500), format!("{}", (noise >> 32) % 1500));
        let headers = [
            ("x-one", one.as_bytes()),
            ("x-two", two.as_bytes()),
            (":method", method.as_bytes()),
            (":path", path.as_bytes()),
            (":authority", path.as_bytes()),
            ("user-agent", &agent[..]),
        ];
        let end = Response {
            status: Some((noise % 2000) as u16),
            headers: vec![("x-kind", &path)],
            properties: vec![("xds.route_name", path.clone().into_bytes())],
            ..Response::default()
        };
        lab.serve(&headers, &[], &end);
        drop(end);
        // What the fake keeps of histograms is not ours.
        lab.proxy.recorded.borrow_mut().clear();
        lab.host.asked();
        if i == 50_000 {
            after_a_while = Some((lab.proxy.defined(), USED.load(Relaxed)));
        }
    }
    let ((definitions, names), used) = after_a_while.unwrap();
    assert_eq!(lab.proxy.defined(), (definitions, names), "no series is new");
    assert!(names < 500, "{names}");
    let grown = USED.load(Relaxed) - used;
    assert!(grown.abs() < 4096, "{grown} bytes more after 150 000 further requests");
    // Nothing was lost: each request counted once in each metric.
    let sum = |metric: &str| -> i64 {
        let values = lab.proxy.values.borrow();
        values
            .iter()
            .filter(|(name, _)| name.ends_with(&format!(";.;{metric}")))
            .map(|(_, value)| value)
            .sum()
    };
    assert_eq!(
        [sum("a_total"), sum("b_total"), sum("c_total"), sum("d_total"), sum("active")],
        [200_000, 200_000, 200_000, 200_000, 0]
    );
    let series = lab.proxy.values.borrow().keys().filter(|name| name.ends_with(";.;d_total")).count();
    assert!(series == 101, "{series}");
    let shown = lab.proxy.shown();
    assert!(
        shown.contains(&"label=.=method;.;metric=.=a_total;.;weir_metrics_overflow_total 200000".to_owned())
    );
    assert!(shown.iter().any(|line| line.starts_with("label=.=series;.;metric=.=d_total;.;")), "{shown:?}");
}
