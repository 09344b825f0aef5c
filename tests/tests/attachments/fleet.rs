//! A fleet continues what a killed gateway has begun.

use tests::{
    Result,
    client::User,
    cluster::Cluster,
    ensure,
    files::{begin, offset, resume, send_file},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_continues_the_upload_of_a_killed_gateway() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada-of-files").await?;
    let bob = User::register(&urls[1], "bob-of-files").await?;
    let direct = ada.direct(&bob).await?;
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let path = begin(&ada, &direct, content.len()).await?;
    assert_eq!(resume(&ada, &path, 0, &content[..1_500_000]).await?.status, 204);
    cluster.gateways[0].kill()?;
    let (second, third) = (ada.at(&urls[1]), ada.at(&urls[2]));
    assert_eq!(offset(&second, &path).await?, "1500000");
    let part = resume(&second, &path, 1_500_000, &content[1_500_000..2_000_000]).await?;
    assert_eq!(part.header("upload-offset"), "2000000");
    assert_eq!(resume(&third, &path, 2_000_000, &content[2_000_000..]).await?.status, 204);
    let info = third.get(&format!("{path}/info")).await?.ok(200)?;
    bob.get(&path).await?.refused(404, "not_found")?;
    let sent = send_file(&second, &direct, "a-1", &info).await?;
    for url in &urls[1..] {
        let download = bob.at(url).get(&path).await?;
        ensure!(download.text == content, "{} bytes from {url}", download.text.len());
    }
    let seq = &sent["message"]["seq"];
    third.delete(&format!("/v1/conversations/{direct}/messages/{seq}")).await?.ok(201)?;
    for url in &urls[1..] {
        bob.at(url).get(&path).await?.refused(404, "not_found")?;
    }
    Ok(())
}
