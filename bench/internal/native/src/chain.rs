// The chain in async Rust. Usage: chain MODE MILLISECONDS. The mode is the place of the futures
// of children:
//   inlined  in those of their parents, where the compiler puts them
//   boxed    each in a box of its own, of a known type
//   dynamic  each in a box of its own, behind dyn Future: nearest to the others
use std::future::Future;
use std::pin::{pin, Pin};
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

static LEAVES: AtomicU64 = AtomicU64::new(0);

mod inlined {
    #[inline(never)]
    async fn depth4() {
        super::LEAVES.fetch_add(1, super::Relaxed);
    }
    #[inline(never)]
    async fn depth3() {
        for _ in 0..3 {
            depth4().await
        }
    }
    #[inline(never)]
    async fn depth2() {
        for _ in 0..3 {
            depth3().await
        }
    }
    #[inline(never)]
    async fn depth1() {
        for _ in 0..5 {
            depth2().await
        }
    }
    pub async fn run(n: u64) {
        for _ in 0..n {
            depth1().await
        }
    }
}

mod boxed {
    #[inline(never)]
    async fn depth4() {
        super::LEAVES.fetch_add(1, super::Relaxed);
    }
    #[inline(never)]
    async fn depth3() {
        for _ in 0..3 {
            Box::pin(depth4()).await
        }
    }
    #[inline(never)]
    async fn depth2() {
        for _ in 0..3 {
            Box::pin(depth3()).await
        }
    }
    #[inline(never)]
    async fn depth1() {
        for _ in 0..5 {
            Box::pin(depth2()).await
        }
    }
    pub async fn run(n: u64) {
        for _ in 0..n {
            Box::pin(depth1()).await
        }
    }
}

mod dynamic {
    use super::*;
    type Boxed = Pin<Box<dyn Future<Output = ()>>>;

    #[inline(never)]
    fn depth4() -> Boxed {
        Box::pin(async {
            LEAVES.fetch_add(1, Relaxed);
        })
    }
    #[inline(never)]
    fn depth3() -> Boxed {
        Box::pin(async {
            for _ in 0..3 {
                depth4().await
            }
        })
    }
    #[inline(never)]
    fn depth2() -> Boxed {
        Box::pin(async {
            for _ in 0..3 {
                depth3().await
            }
        })
    }
    #[inline(never)]
    fn depth1() -> Boxed {
        Box::pin(async {
            for _ in 0..5 {
                depth2().await
            }
        })
    }
    pub async fn run(n: u64) {
        for _ in 0..n {
            depth1().await
        }
    }
}

fn poll_to_end(future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Pending = future.as_mut().poll(&mut context) {}
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mode = args.get(1).map_or("", |s| s.as_str());
    let milliseconds: f64 = args.get(2).and_then(|s| s.parse().ok()).unwrap_or(100.0);
    let want = Duration::from_secs_f64(milliseconds / 1e3);
    let mut n: u64 = 1;
    loop {
        LEAVES.store(0, Relaxed);
        let start = Instant::now();
        match mode {
            "inlined" => poll_to_end(inlined::run(std::hint::black_box(n))),
            "boxed" => poll_to_end(boxed::run(std::hint::black_box(n))),
            "dynamic" => poll_to_end(dynamic::run(std::hint::black_box(n))),
            _ => exit(2),
        }
        let took = start.elapsed();
        if LEAVES.load(Relaxed) != 45 * n {
            eprintln!("check failed: leaves are {}, want {}", LEAVES.load(Relaxed), 45 * n);
            exit(1);
        }
        if took >= want {
            println!("{{\"ns\": {:.4}}}", took.as_nanos() as f64 / (n as f64 * 66.0));
            return;
        }
        let by = 1.2 * want.as_secs_f64() / took.as_secs_f64().max(1e-9);
        n = (n as f64 * by.clamp(1.1, 100.0)) as u64 + 1;
    }
}
