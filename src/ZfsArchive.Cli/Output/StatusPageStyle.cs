namespace ZfsArchive.Cli.Output;

/// <summary>How the page looks, in light, in dark, on a phone, and on paper. Nothing in it names a place elsewhere.</summary>
static class StatusPageStyle
{
    /// <summary>Colours of the marks, so that a test can look for them.</summary>
    public const string FullLight = "#1d4ed8", FullDark = "#6ea8fe", IncrementalLight = "#0f766e", IncrementalDark = "#2dd4bf", DamagedLight = "#c4161c", DamagedDark = "#ff6b6b";

    const string Light = $"""
        --page:#f4f5f7;--card:#fff;--ink:#14171c;--soft:#555e6b;--line:#dde1e7;--link:#1a4fb4;--arc:#a3acb9;--way:#3b4655;
        --full:{FullLight};--inc:{IncrementalLight};--bad:{DamagedLight};--on-bad:#fff;--area:#dbe7ff;
        --ok-ink:#0b5b2f;--ok-bg:#dcf3e4;--warning-ink:#704700;--warning-bg:#fdeecb;--critical-ink:#9c1016;--critical-bg:#fde2e2;--unknown-ink:#4a4f9c;--unknown-bg:#e6e7fb;
        """;

    const string Dark = $"""
        --page:#0f1216;--card:#181c22;--ink:#e8ebf0;--soft:#a2abb8;--line:#2c323c;--link:#8fb8ff;--arc:#566070;--way:#c3ccd9;
        --full:{FullDark};--inc:{IncrementalDark};--bad:{DamagedDark};--on-bad:#1a0b0b;--area:#1d2c47;
        --ok-ink:#8be0ad;--ok-bg:#123322;--warning-ink:#f5cd75;--warning-bg:#3a2b0a;--critical-ink:#ffa3a3;--critical-bg:#451619;--unknown-ink:#b9bcff;--unknown-bg:#25284f;
        """;

    const string Text = """
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Ubuntu,Cantarell,"DejaVu Sans",sans-serif}
        main,.in{max-width:1060px;margin:0 auto;padding:0 20px}
        header{border-bottom:1px solid var(--line);padding:26px 0 24px;margin-bottom:24px}
        header .in{display:flex;gap:20px;align-items:center}
        header.ok{background:var(--ok-bg)}header.warning{background:var(--warning-bg)}header.critical{background:var(--critical-bg)}header.unknown{background:var(--unknown-bg)}
        header.ok h1,header.ok .sign{color:var(--ok-ink)}header.warning h1,header.warning .sign{color:var(--warning-ink)}header.critical h1,header.critical .sign{color:var(--critical-ink)}header.unknown h1,header.unknown .sign{color:var(--unknown-ink)}
        .sign{flex:none;width:60px;height:60px;border-radius:50%;border:3px solid currentColor;display:grid;place-items:center;font-size:32px;line-height:1;font-weight:700;margin:0}
        h1{font-size:29px;line-height:1.2;margin:0 0 4px;letter-spacing:-.015em}
        h2{font-size:20px;line-height:1.3;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
        h3{font-size:17px;line-height:1.3;margin:0;display:inline;overflow-wrap:anywhere}
        header p{margin:0}.when,.soft,small,figcaption,footer{color:var(--soft)}
        a{color:var(--link);text-underline-offset:2px}
        a:focus-visible,summary:focus-visible,.wide:focus-visible{outline:2px solid var(--link);outline-offset:2px}
        .card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:0 0 18px}
        .soft{margin:0;overflow-wrap:anywhere}
        .badge{display:inline-block;font-size:12.5px;line-height:1.55;font-weight:600;border-radius:5px;padding:0 7px;white-space:nowrap;vertical-align:2px;letter-spacing:0}
        .badge.note{color:var(--soft);background:var(--page)}.badge.ok{color:var(--ok-ink);background:var(--ok-bg)}.badge.warning{color:var(--warning-ink);background:var(--warning-bg)}.badge.critical{color:var(--critical-ink);background:var(--critical-bg)}.badge.unknown{color:var(--unknown-ink);background:var(--unknown-bg)}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
        th,td{text-align:left;vertical-align:top;padding:7px 14px 7px 0;border-top:1px solid var(--line)}
        thead th{border-top:0;color:var(--soft);font-weight:500;font-size:13px;white-space:nowrap}
        tbody th{font-weight:600}.n{text-align:right;white-space:nowrap}th:last-child,td:last-child{padding-right:0}.n+td:not(.n),.n+th:not(.n){padding-left:10px}
        .remarks td{overflow-wrap:break-word}.remarks td:nth-child(2){min-width:7.5em;max-width:18em}.remarks td:last-child{overflow-wrap:anywhere;min-width:230px;width:99%}
        .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(122px,1fr));gap:14px 20px;margin:14px 0 18px}.dataset .facts>div:first-child{grid-column:span 2}
        dt{color:var(--soft);font-size:13px}dd{margin:0;overflow-wrap:anywhere}dd strong{display:block;font-weight:600;font-variant-numeric:tabular-nums}small{display:block;font-size:13px;line-height:1.4}
        .bar{display:block;height:5px;border-radius:3px;background:var(--line);margin:4px 0 3px;overflow:hidden}.bar span{display:block;height:100%;background:var(--inc)}.bar.over span{background:var(--bad)}
        summary{cursor:pointer}.dataset summary::marker{color:var(--soft)}
        .remark{border-radius:6px;padding:8px 12px;margin:0 0 8px;overflow-wrap:anywhere}.remark.warning{background:var(--warning-bg)}.remark.critical{background:var(--critical-bg)}.remark.unknown{background:var(--unknown-bg)}.remark .badge{background:none;padding-left:0}
        figure{margin:16px 0 0}figcaption{font-size:13px}
        svg{display:block;width:100%;height:auto}.chain,.growth{min-width:820px}
        svg text{fill:var(--soft);font-size:11.5px;font-variant-numeric:tabular-nums}
        .axis path{stroke:var(--line);stroke-width:1}.base{stroke:var(--arc);stroke-width:1}
        .arc{fill:none;stroke:var(--arc);stroke-width:1.1}.arc.way{stroke:var(--way);stroke-width:1.9}
        .o{fill:var(--card);stroke-width:1.6}.full .o{stroke:var(--full)}.inc .o{stroke:var(--inc)}.full .v{fill:var(--full)}.inc .v{fill:var(--inc)}
        .lost .o{stroke-dasharray:2.4 2;stroke:var(--bad)}.lost .v{fill-opacity:.35}
        .bad .o{fill:var(--bad);stroke:var(--card);stroke-width:1.2}.x{fill:none;stroke:var(--on-bad);stroke-width:2;stroke-linecap:round}
        .gap{fill:var(--card);stroke:var(--soft);stroke-width:1;stroke-dasharray:1.6 1.4}.from{stroke:var(--arc);stroke-dasharray:2 2;stroke-width:1.2}
        .area{fill:var(--area)}.line{fill:none;stroke:var(--full);stroke-width:1.5}
        .legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:16px 0 0;padding:12px 0 0;border-top:1px solid var(--line);font-size:13px;color:var(--soft)}
        .legend li{display:flex;align-items:center;gap:6px}.key{width:24px;height:20px;flex:none}
        footer{font-size:13px;padding:4px 0 32px}code{font:13px/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
        @media(max-width:600px){main,.in{padding:0 12px}header{padding:18px 0}header .in{gap:14px;align-items:flex-start}.sign{width:44px;height:44px;font-size:23px}h1{font-size:23px}.card{padding:14px;border-radius:8px}.facts{grid-template-columns:1fr 1fr}}
        """;

    // Paper is white, and marks without their fill would say something else.
    const string Paper = """
        @media print{*{-webkit-print-color-adjust:exact;print-color-adjust:exact}body{background:#fff;font-size:10pt}main,.in{padding:0;max-width:none}header .in{padding:0 16px}.card{border-color:#bbb;padding:14px}
        .remark,.facts,figure,.legend,tr{break-inside:avoid}h2,summary{break-after:avoid}table{font-size:8.5pt}th,td{padding-right:8px}.wide{overflow:visible}.chain,.growth{min-width:0}header{margin-bottom:12px}details::details-content{content-visibility:visible;block-size:auto}}
        """;

    public static string Sheet { get; } = $":root{{color-scheme:light dark;{Light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{Dark}}}}}\n{Text}\n{Paper}\n";
}
