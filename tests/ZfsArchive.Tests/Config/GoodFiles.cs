namespace ZfsArchive.Tests.Config;

/// <summary>Configurations that are read without a fault.</summary>
static class GoodFiles
{
    public const string Small = """
        repositories:
          disk: {url: /mnt/backup/zfs}
        jobs:
          home: {datasets: tank/home}
        """;

    public const string Full = """
        # all there is
        repositories:
          offsite:
            url: s3://my-bucket/zfs
            options:
              s3.endpoint: https://s3.example.net
              s3.path-style: true
            access_key: {file: /etc/zfsarchive/s3.key}
            secret_key: {credential: s3-secret}
            retention: {hourly: 24, daily: 30, keep_weekly: 8, monthly: 12, yearly: 5, last: 3, within: 7d}
            bandwidth: {upload: 10M, download: 50M}
            optional: false
            prune: true
            remove_at_most: 25%
            grace: 2w
            verify: {cycle: 1y, level: data, max_bytes: 100G, max_time: 2h}
          disk:
            url: /mnt/backup/zfs
            optional: yes
            verify: never
          box:
            url: sftp://u1@box.example.net:23/zfs
            options: {sftp.identity: /root/.ssh/box}
        jobs:
          home:
            source: ssh://backup@nas:22 sudo -n
            datasets: [tank/home, "tank/vm/*"]
            recursive: true
            exclude: "*/cache"
            repositories: [offsite, disk]
            snapshot: {prefix: nightly_, keep: 3}
            snapshots: {include: "nightly_*", exclude: ["*_frequently"], select: wanted}
            send: {allow_plaintext: true, allow_full: true, adopt: true, first: newest, compress: 19, chunk_size: 8}
            chain: tiered
            new_full: {max_age: 180d, max_length: 200}
            retention: {daily: 7}
            max_age: 36h
            hooks: {before: [["/usr/local/bin/stop-db", "now"]], after: ["/usr/local/bin/start-db"], timeout: 10m}
          all-else:
            by_property: true
            max_age: never
            retention: everything
            new_full: never
        notify:
          - ping: https://hc.example.net/uuid
            when: failure
            timeout: 5s
          - webhook: {url: {file: /etc/zfsarchive/hook.url}, template: '{"text": "{{title}}\n{{summary}}"}', headers: {Authorization: {env: HOOK_TOKEN}, X-Kind: zfs}}
          - mail: {to: root, from: nas@example.net, sendmail: /usr/lib/sendmail}
            when: always
          - command: ["/usr/local/bin/tell", "me and you"]
        defaults:
          source: sudo -n
          recursive: true
          snapshot: {keep: 2}
          send: {compress: 9}
          max_age: 2d
          retention: {daily: 14}
          grace: 3d
          verify: {level: objects}
        """;
}
