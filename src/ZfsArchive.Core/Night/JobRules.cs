using System.Collections.Immutable;
using ZfsArchive.Config;
using ZfsArchive.Prune;
using ZfsArchive.Retention;

namespace ZfsArchive.Night;

/// <summary>What the jobs of a configuration say together of a dataset.</summary>
public static class JobRules
{
    /// <summary>By which rule a dataset's archives are pruned: the most generous of the jobs that cover it; none: nothing of it goes.</summary>
    /// <param name="chosen">Of each job, the datasets that name it by their property.</param>
    public static PruneRule RuleOf(RepositoryRule rule, Configuration configuration, IReadOnlyDictionary<string, ImmutableHashSet<string>> chosen, string dataset)
    {
        var policies = configuration.Jobs.Where(j => j.Repositories.Contains(rule.Name) && DatasetSelection.Covers(j, dataset, chosen.GetValueOrDefault(j.Name, []))).Select(j => j.Retention ?? rule.Retention).ToList();
        return new(policies.Count == 0 || policies.Exists(p => p.IsEmpty) ? null : policies.Aggregate(RetentionPolicy.MoreGenerous), rule.RemoveAtMost);
    }
}
