//! The Yellowstone subscription against a server of its own protocol: what is asked for, what arrives, and that pings are
//! answered and a lost connection is opened again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ballast_client::{ID, Pubkey, Vault};
use ballast_keeper::metrics::Metrics;
use ballast_keeper::secret::Secret;
use ballast_keeper::stream::{Event, Feed, Link, Trust, Yellowstone, supervise};
use ballast_keeper::updates::Update;
use futures_util::{Stream, StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use yellowstone_grpc_proto::geyser::geyser_server::{Geyser, GeyserServer};
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter::Filter;
use yellowstone_grpc_proto::geyser::subscribe_request_filter_accounts_filter_memcmp::Data;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::*;
use yellowstone_grpc_proto::tonic::transport::Server;
use yellowstone_grpc_proto::tonic::{Request, Response, Status, Streaming};

fn key(name: u8) -> Pubkey {
    Pubkey::new_from_array([name; 32])
}

/// What a client has sent on its stream, with the token of the connection.
type Heard = (Option<String>, SubscribeRequest);

/// A validator's plugin that sends what a test hands it, until the test says that the connection is lost.
struct Plugin {
    heard: mpsc::UnboundedSender<Heard>,
    updates: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Option<UpdateOneof>>>>,
}

type Sent<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

fn unasked<T>() -> Result<T, Status> {
    Err(Status::unimplemented("the keeper does not ask for this"))
}

#[yellowstone_grpc_proto::tonic::async_trait]
impl Geyser for Plugin {
    type SubscribeStream = Sent<SubscribeUpdate>;
    type SubscribeDeshredStream = Sent<SubscribeUpdateDeshred>;
    type SubscribeGossipStream = Sent<SubscribeUpdateGossip>;

    async fn subscribe(
        &self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let token = request.metadata().get("x-token").map(|token| token.to_str().expect("ASCII").to_owned());
        let (mut requests, heard) = (request.into_inner(), self.heard.clone());
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                // The test may have ended.
                let _ = heard.send((token.clone(), request));
            }
        });
        let updates = Arc::clone(&self.updates).lock_owned().await;
        let sent = stream::unfold(updates, |mut updates| async move {
            let update_oneof = Some(updates.recv().await??);
            Some((Ok(SubscribeUpdate { update_oneof, ..SubscribeUpdate::default() }), updates))
        });
        Ok(Response::new(Box::pin(sent)))
    }

    async fn subscribe_deshred(
        &self,
        _: Request<Streaming<SubscribeDeshredRequest>>,
    ) -> Result<Response<Self::SubscribeDeshredStream>, Status> {
        unasked()
    }

    async fn subscribe_gossip(
        &self,
        _: Request<SubscribeGossipRequest>,
    ) -> Result<Response<Self::SubscribeGossipStream>, Status> {
        unasked()
    }

    async fn subscribe_replay_info(
        &self,
        _: Request<SubscribeReplayInfoRequest>,
    ) -> Result<Response<SubscribeReplayInfoResponse>, Status> {
        unasked()
    }

    async fn ping(&self, _: Request<PingRequest>) -> Result<Response<PongResponse>, Status> {
        unasked()
    }

    async fn get_latest_blockhash(
        &self,
        _: Request<GetLatestBlockhashRequest>,
    ) -> Result<Response<GetLatestBlockhashResponse>, Status> {
        unasked()
    }

    async fn get_block_height(
        &self,
        _: Request<GetBlockHeightRequest>,
    ) -> Result<Response<GetBlockHeightResponse>, Status> {
        unasked()
    }

    async fn get_slot(&self, _: Request<GetSlotRequest>) -> Result<Response<GetSlotResponse>, Status> {
        unasked()
    }

    async fn is_blockhash_valid(
        &self,
        _: Request<IsBlockhashValidRequest>,
    ) -> Result<Response<IsBlockhashValidResponse>, Status> {
        unasked()
    }

    async fn get_version(&self, _: Request<GetVersionRequest>) -> Result<Response<GetVersionResponse>, Status> {
        unasked()
    }
}

struct Judge;

impl Trust for Judge {
    fn counts(&self, _: &str) -> bool {
        true
    }

    fn can_be(&self, _: &Update) -> bool {
        true
    }
}

fn account(name: u8, lamports: u64, slot: u64) -> Option<UpdateOneof> {
    let (pubkey, owner) = (key(name).to_bytes().to_vec(), ID.to_bytes().to_vec());
    let account = SubscribeUpdateAccountInfo {
        pubkey,
        owner,
        lamports,
        data: vec![name; 3],
        ..SubscribeUpdateAccountInfo::default()
    };
    let update = SubscribeUpdateAccount { account: Some(account), slot, ..SubscribeUpdateAccount::default() };
    Some(UpdateOneof::Account(update))
}

/// All vaults of the market by size and by the market's address in them, and the accounts that are watched by name.
fn is_complete(request: &SubscribeRequest, market: &Pubkey, watched: &[Pubkey]) {
    let vaults = &request.accounts["vaults"];
    assert_eq!(vaults.owner, [ID.to_string()]);
    let filters: Vec<_> = vaults.filters.iter().filter_map(|filter| filter.filter.clone()).collect();
    assert!(filters.contains(&Filter::Datasize(Vault::SPACE as u64)));
    let of_market = filters
        .iter()
        .any(|filter| matches!(filter, Filter::Memcmp(at) if at.data == Some(Data::Bytes(market.to_bytes().to_vec()))));
    assert!(of_market, "{filters:?}");
    assert_eq!(request.accounts["watched"].account, watched.iter().map(Pubkey::to_string).collect::<Vec<_>>());
}

#[tokio::test]
async fn accounts_arrive_pings_are_answered_and_a_lost_connection_is_opened_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (heard, mut requests) = mpsc::unbounded_channel();
    let (send, updates) = mpsc::unbounded_channel();
    let plugin = Plugin { heard, updates: Arc::new(tokio::sync::Mutex::new(updates)) };
    let incoming = stream::unfold(listener, |listener| async move {
        let connection = listener.accept().await.map(|(connection, _)| connection);
        Some((connection, listener))
    });
    tokio::spawn(Server::builder().add_service(GeyserServer::new(plugin)).serve_with_incoming(Box::pin(incoming)));

    let (market, clock) = (key(9), key(8));
    let (_watch, watched) = watch::channel(vec![market, clock]);
    let metrics = Metrics::new();
    let (feed, mut events) = Feed::new("yellowstone", metrics.clone());
    let (link, liveness) = Link::new(metrics);
    let subscriber = Yellowstone::new(market, Secret::new(url), Some(Secret::new("a-token")), watched);
    tokio::spawn(supervise(subscriber, feed, link, Duration::from_secs(600), Arc::new(Judge)));

    for opened in 1..=2 {
        let (token, request) = requests.recv().await.expect("a subscription");
        assert_eq!(token.as_deref(), Some("a-token"));
        is_complete(&request, &market, &[market, clock]);
        send.send(account(1, 5, 10 * opened)).expect("a server");
        let update = Update { address: key(1), owner: ID, data: Some(vec![1; 3]), slot: 10 * opened };
        assert_eq!(events.recv().await, Some(Event::Update(update)));
        // Without lamports it is gone, whatever its bytes are.
        send.send(account(2, 0, 10 * opened + 1)).expect("a server");
        let gone = Update { address: key(2), owner: ID, data: None, slot: 10 * opened + 1 };
        assert_eq!(events.recv().await, Some(Event::Update(gone)));
        assert!(*liveness.live.borrow());
        send.send(Some(UpdateOneof::Ping(SubscribeUpdatePing {}))).expect("a server");
        let (_, answer) = requests.recv().await.expect("an answer");
        assert_eq!(answer.ping, Some(SubscribeRequestPing { id: 1 }));
        send.send(None).expect("a server");
    }
}
