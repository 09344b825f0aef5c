//! A fleet keeps files in a bucket.

use tests::{
    Result,
    client::User,
    cluster::Cluster,
    ensure,
    files::{begin, offset, resume, send_file},
    patience::{LATER, eventually},
    s3::S3,
};

fn content(bytes: u32) -> Vec<u8> {
    (0..bytes).map(|number| number.to_le_bytes()[1]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fleet_continues_the_upload_of_a_killed_gateway_in_a_bucket() -> Result<()> {
    let Some(s3) = S3::start().await? else { return Ok(()) };
    let cluster = Cluster::on_one_node_with(3, |settings| s3.settings(settings)).await?;
    let Some(mut cluster) = cluster else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada-of-buckets").await?;
    let bob = User::register(&urls[1], "bob-of-buckets").await?;
    let direct = ada.direct(&bob).await?;
    let content = content(3_000_000);
    let path = begin(&ada, &direct, content.len()).await?;
    assert_eq!(resume(&ada, &path, 0, &content[..1_500_000]).await?.status, 204);
    cluster.gateways[0].kill()?;
    let (second, third) = (ada.at(&urls[1]), bob.at(&urls[2]));
    assert_eq!(offset(&second, &path).await?, "1500000");
    assert_eq!(resume(&second, &path, 1_500_000, &content[1_500_000..]).await?.status, 204);
    let info = second.get(&format!("{path}/info")).await?.ok(200)?;
    let sent = send_file(&second, &direct, "a-1", &info).await?;
    let download = third.get(&path).await?;
    ensure!(download.text == content, "{} bytes", download.text.len());
    ensure!(s3.objects()? > 0, "the bucket is empty");

    let seq = &sent["message"]["seq"];
    second.delete(&format!("/v1/conversations/{direct}/messages/{seq}")).await?.ok(201)?;
    third.get(&path).await?.refused(404, "not_found")?;
    eventually(LATER, async || {
        let objects = s3.objects()?;
        ensure!(objects == 0, "{objects} objects are still in the bucket");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bucket_that_is_away_is_unavailable_and_loses_nothing() -> Result<()> {
    let Some(mut s3) = S3::start().await? else { return Ok(()) };
    let cluster = Cluster::on_one_node_with(2, |settings| s3.settings(settings)).await?;
    let Some(cluster) = cluster else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada-of-outages").await?;
    let bob = User::register(&urls[1], "bob-of-outages").await?;
    let direct = ada.direct(&bob).await?;
    let content = content(2_500_000);
    let path = begin(&ada, &direct, content.len()).await?;
    assert_eq!(resume(&ada, &path, 0, &content[..1_200_000]).await?.status, 204);

    s3.kill()?;
    let refused = resume(&ada, &path, 1_200_000, &content[1_200_000..]).await?;
    let error = refused.refused(503, "unavailable")?;
    assert_eq!(error["message"], "the file storage is not available");
    ada.send(&direct, "a-1", "Messages go on").await?.ok(201)?;
    let kept: usize = offset(&ada.at(&urls[1]), &path).await?.parse()?;
    ensure!(kept >= 1_200_000, "{kept} bytes are kept");

    s3.restart().await?;
    let rest = eventually(LATER, async || {
        let kept: usize = offset(&ada, &path).await?.parse()?;
        let answer = resume(&ada, &path, kept, &content[kept..]).await?;
        ensure!(answer.status == 204, "{answer:?}");
        Ok(answer)
    })
    .await?;
    assert_eq!(rest.header("upload-offset"), content.len().to_string());
    let info = ada.get(&format!("{path}/info")).await?.ok(200)?;
    send_file(&ada, &direct, "a-2", &info).await?;
    let download = bob.get(&path).await?;
    ensure!(download.text == content, "{} bytes", download.text.len());
    Ok(())
}
