//! trial
fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let vaults: usize = std::env::args().nth(1).unwrap().parse()?;
        let path = ballast_localnet::prices::generated::path(7);
        let t = std::time::Instant::now();
        let opening = ballast_localnet::stage::Opening {
            program: std::path::Path::new("target/deploy/ballast.so"),
            vaults,
            seed: 7,
            first: &path.frames[0],
        };
        let stage = ballast_localnet::stage::Stage::set(&opening, |what| eprintln!("{:?} {what}", t.elapsed())).await?;
        eprintln!("{:?} set", t.elapsed());
        let books = ballast_cluster::books::Books::read(&stage.network.connection, stage.site.market).await?;
        eprintln!("{:?} read {}", t.elapsed(), books.vaults.len());
        Ok(())
    })
}
