using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace ZfsArchive.Tests.Config;

/// <summary>A record with all that is in it as text, for comparing: lists in records are equal only when they are one.</summary>
static class ModelText
{
    public static string Of(object? value)
    {
        var text = new StringBuilder();
        Add(text, "", value);
        return text.ToString();
    }

    static void Add(StringBuilder text, string path, object? value)
    {
        if (value is null or string || value.GetType().IsPrimitive || value is Enum or TimeSpan)
        {
            text.Append(CultureInfo.InvariantCulture, $"{path} = {value ?? "null"}\n");
        }
        else if (value is IEnumerable items)
        {
            var at = 0;
            foreach (var item in items) Add(text, $"{path}[{at++}]", item);
            text.Append(CultureInfo.InvariantCulture, $"{path} has {at}\n");
        }
        else
        {
            text.Append(CultureInfo.InvariantCulture, $"{path} is {value.GetType().Name}\n");
            foreach (var property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite).OrderBy(p => p.Name, StringComparer.Ordinal))
                Add(text, $"{path}.{property.Name}", property.GetValue(value));
        }
    }
}
