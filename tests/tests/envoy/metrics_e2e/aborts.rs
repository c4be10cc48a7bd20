//! Clients that leave, and upstreams that break off, at every phase: what went up comes down again, and each
//! request is counted once.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use weir_tests::envoy::Cluster;

use super::*;

/// Requests of each kind.
const MANY: usize = 25;

/// An upstream of which nothing whole comes: `/headers` breaks off inside them, all else inside the body.
fn breaking() -> SocketAddr {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut start = [0; 4096];
            let length = stream.read(&mut start).unwrap_or(0);
            let whole: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbegin";
            let cut = if start[..length].starts_with(b"GET /headers") { 20 } else { whole.len() };
            let _ = stream.write_all(&whole[..cut]);
        }
    });
    address
}

fn start() -> Envoy {
    let metrics = json!({"red": {"route": false}, "list": [
        {"name": "requests_active", "type": "gauge", "labels": {"method": "method"}},
        {"name": "requests_total"},
    ]});
    let slow =
        json!({"delay": {"fixedDelay": "1h", "percentage": "100%"}, "match": {"uri": {"exact": "/delayed"}}});
    let config = json!({"faults": [slow], "metrics": metrics});
    let routes = json!([
        {"match": {"prefix": "/"}, "route": {"cluster": "breaking"}},
    ]);
    let standard = json!([{"match": {"prefix": "/"}, "route": {"cluster": "v1"}}]);
    let listener =
        |routes| Listener::new().plugin(Plugin::new("weir").unwrap().config(&config)).routes(routes);
    let bootstrap = Bootstrap::default()
        .concurrency(2)
        .stats_config(stats_tags(&["code_class", "method"]))
        .cluster(Cluster::new("breaking", breaking()))
        .listener(listener(standard))
        .listener(listener(routes));
    Envoy::start(bootstrap).unwrap()
}

fn active(envoy: &Envoy) -> f64 {
    let page = page(envoy);
    for sample in page.of("requests_active") {
        assert!((0.0..1e6).contains(&sample.value), "{sample:?}");
    }
    page.sum("requests_active", &[])
}

/// Opens this many connections, sends this on each, waits until all are active, and hangs up. With `read`,
/// the beginning of the answer is awaited first.
fn leave(envoy: &Envoy, text: &[u8], read: bool, counted: &mut usize) {
    let what = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
    let open = |_| {
        let mut stream = TcpStream::connect(envoy.listener(0)).unwrap();
        stream.write_all(text).unwrap();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..MANY).map(open).collect();
    assert!(envoy.wait_for(PATIENCE, |envoy| active(envoy) == MANY as f64), "{what}: {}", active(envoy));
    if read {
        for stream in &mut streams {
            assert!(stream.read(&mut [0; 100]).unwrap() > 0);
        }
    }
    for stream in streams {
        let _ = stream.shutdown(Shutdown::Both);
    }
    *counted += MANY;
    settled(envoy, &what, *counted);
}

/// Nothing is active, and each request was counted once.
fn settled(envoy: &Envoy, what: &str, counted: usize) {
    let all = |envoy: &Envoy| {
        active(envoy) == 0.0 && page(envoy).value("requests_total", &[]) == Some(counted as f64)
    };
    let in_time = envoy.wait_for(PATIENCE, all);
    let total = page(envoy).value("requests_total", &[]);
    assert!(in_time, "{what}: {} active, {total:?} of {counted} counted", active(envoy));
}

#[test]
fn whoever_leaves_is_not_active_and_counts_once() {
    let envoy = start();
    let mut counted = 0;
    let head = |first: &str, more: &str| format!("{first} HTTP/1.1\r\nhost: a\r\n{more}\r\n").into_bytes();
    leave(&envoy, &head("POST /", "content-length: 1000\r\n"), false, &mut counted);
    let mut half = head("POST /", "content-length: 1000\r\n");
    half.extend([b'x'; 500]);
    leave(&envoy, &half, false, &mut counted);
    leave(&envoy, &head("POST /", "transfer-encoding: chunked\r\n"), false, &mut counted);
    leave(&envoy, &head("GET /delayed", ""), false, &mut counted);
    leave(&envoy, &head("GET /", "x-answer-delay-ms: 25000\r\n"), false, &mut counted);
    for number in 0..MANY {
        let large = weir_upstream_answer(32 << 20);
        envoy.plans().prepare(&format!("large-{number}"), large);
    }
    // The answer is larger than all buffers on the way, so that it cannot be over before the client leaves.
    let open = |number: usize| {
        let mut stream = TcpStream::connect(envoy.listener(0)).unwrap();
        stream.write_all(&head("GET /", &format!("x-answer-id: large-{number}\r\n"))).unwrap();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..MANY).map(open).collect();
    for stream in &mut streams {
        assert!(stream.read(&mut [0; 100]).unwrap() > 0);
    }
    assert_eq!(active(&envoy), MANY as f64);
    drop(streams);
    counted += MANY;
    settled(&envoy, "inside the answer", counted);
    for client in [Client::http1(), Client::http2()] {
        let client = client.patience(Duration::from_millis(500));
        let requests = vec![Request::get("/").header("x-answer-delay-ms", "25000"); MANY];
        assert!(client.send_all(envoy.listener(0), requests, MANY).iter().all(Result::is_err));
        counted += MANY;
        settled(&envoy, "a reset", counted);
    }
    for path in ["/headers", "/body"] {
        let answers = Client::http1().send_all(envoy.listener(1), vec![Request::get(path); MANY], 8);
        assert!(answers.iter().all(|answer| !answer.as_ref().is_ok_and(|answer| answer.status == 200)));
        counted += MANY;
        settled(&envoy, path, counted);
    }
    // And those who stay are counted as ever.
    assert!(ask(&envoy, vec![Request::get("/"); MANY]).iter().all(|answer| answer.status == 200));
    counted += MANY;
    settled(&envoy, "those who stay", counted);
    let all = page(&envoy);
    let classes: Vec<(&str, f64)> =
        all.of("weir_requests_total").map(|s| (s.labels["code_class"].as_str(), s.value)).collect();
    println!("{counted} requests, by class: {classes:?}");
    assert_eq!(all.sum("weir_requests_total", &[]), counted as f64);
    // Envoy's workers hand in what they recorded when histograms are merged, seconds later.
    let recorded = || page(&envoy).value("weir_request_duration_milliseconds_count", &[]);
    envoy.wait_for(Duration::from_secs(20), |_| recorded() == Some(counted as f64));
    assert_eq!(recorded(), Some(counted as f64));
    assert_quiet(&envoy);
}

fn weir_upstream_answer(length: usize) -> weir_upstream::Answer {
    weir_upstream::Answer { body: vec![b'x'; length], ..weir_upstream::Answer::default() }
}
