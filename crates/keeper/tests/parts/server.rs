//! The three pages, over a real socket.

use std::time::Duration;

use ballast_keeper::metrics::Metrics;
use ballast_keeper::server::{Condition, Status, routes, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Serves, asks for the pages, and stops the server.
async fn ask(metrics: &Metrics, status: &Status, paths: &[&str]) -> Vec<(u16, String)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let wait = async move {
        stopped.await.ok();
    };
    let server = tokio::spawn(serve(listener, routes(metrics.clone(), status.clone()), wait));
    let mut answers = Vec::new();
    for path in paths {
        let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
        answers.push((answer.status().as_u16(), answer.text().await.unwrap()));
    }
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    answers
}

#[tokio::test]
async fn a_keeper_is_ready_when_every_condition_holds_and_says_which_does_not() {
    let (metrics, status) = (Metrics::new(), Status::new(Duration::from_secs(60)));
    for condition in Condition::ALL {
        status.set(condition, Ok(()));
    }
    status.set(Condition::Rpc, Err("1 of 2 nodes".to_owned()));
    let before = ask(&metrics, &status, &["/readyz", "/healthz", "/metrics", "/nothing"]).await;
    assert_eq!(before[0], (503, "{\"ready\":false,\"reasons\":{\"rpc\":\"1 of 2 nodes\"}}\n".to_owned()));
    assert_eq!(before[1].0, 200);
    assert!(before[2].1.ends_with("# EOF\n"));
    assert_eq!(before[3].0, 404);
    status.set(Condition::Rpc, Ok(()));
    assert_eq!(ask(&metrics, &status, &["/readyz"]).await, [(200, "{\"ready\":true,\"reasons\":{}}\n".to_owned())]);
    status.set(Condition::Journal, Err("the disk is full".to_owned()));
    assert_eq!(ask(&metrics, &status, &["/readyz"]).await[0].0, 503);
    status.set(Condition::Journal, Ok(()));
    assert_eq!(ask(&metrics, &status, &["/readyz"]).await[0].0, 200);
    status.end();
    let ending = ask(&metrics, &status, &["/readyz", "/healthz"]).await;
    let why = "{\"ready\":false,\"reasons\":{\"service\":\"ending: nothing more is begun, and what is under way is \
               waited for\"}}\n";
    assert_eq!((ending[0].clone(), ending[1].0), ((503, why.to_owned()), 200));
}

#[tokio::test]
async fn a_new_keeper_is_not_ready_and_a_loop_that_stands_still_is_not_healthy() {
    let status = Status::new(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let answers = ask(&Metrics::new(), &status, &["/readyz", "/healthz"]).await;
    assert!(answers.iter().all(|(code, _)| *code == 503), "{answers:?}");
    assert!(answers[0].1.contains("\"recovery\":\"not looked at yet\""), "{answers:?}");
}
