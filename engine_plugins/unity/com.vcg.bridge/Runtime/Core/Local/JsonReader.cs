using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Vcg.Bridge.Local
{
    /// <summary>What is wrong with a text that should be JSON; the message says where.</summary>
    internal sealed class JsonException : Exception
    {
        public JsonException(string message) : base(message)
        {
        }
    }

    /// <summary>
    /// Reads JSON (RFC 8259) from UTF-8 and refuses what is no JSON: repeated keys, NaN, comments, text behind the end.
    /// Nesting and the number of values are bounded, so a hostile file costs little.
    /// </summary>
    internal sealed class JsonReader
    {
        /// <summary>Objects and arrays in each other.</summary>
        public const int MaxDepth = 64;

        /// <summary>Values of one text, those in objects and arrays included.</summary>
        public const int MaxValues = 2000000;

        readonly string text;
        readonly StringBuilder buffer = new StringBuilder();
        int at;
        int values;

        JsonReader(string text)
        {
            this.text = text;
        }

        /// <summary>The one value that the bytes hold. Throws <see cref="JsonException"/>.</summary>
        public static JsonValue Read(byte[] data)
        {
            string text;
            try
            {
                text = new UTF8Encoding(false, true).GetString(data);
            }
            catch (ArgumentException)
            {
                throw new JsonException("is not UTF-8");
            }
            var reader = new JsonReader(text);
            reader.Space();
            JsonValue value = reader.Value(0);
            reader.Space();
            if (reader.at < text.Length)
                throw reader.Fault("there is something behind the end");
            return value;
        }

        JsonException Fault(string problem)
        {
            int line = 1;
            int start = 0;
            int end = Math.Min(at, text.Length);
            for (int i = 0; i < end; i++)
            {
                if (text[i] == '\n')
                {
                    line++;
                    start = i + 1;
                }
            }
            return new JsonException(
                string.Format(CultureInfo.InvariantCulture, "{0} (line {1}, column {2})", problem, line, end - start + 1));
        }

        char Peek()
        {
            return at < text.Length ? text[at] : '\0';
        }

        void Space()
        {
            while (at < text.Length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
                at++;
        }

        JsonValue Value(int depth)
        {
            if (++values > MaxValues)
                throw Fault("holds more than " + MaxValues + " values");
            if (depth > MaxDepth)
                throw Fault("is nested more than " + MaxDepth + " deep");
            char first = Peek();
            switch (first)
            {
                case '{':
                    return Table(depth);
                case '[':
                    return List(depth);
                case '"':
                    return JsonValue.Of(Text());
                case 't':
                    return Word("true", JsonValue.True);
                case 'f':
                    return Word("false", JsonValue.False);
                case 'n':
                    return Word("null", JsonValue.Null);
                default:
                    if (first == '-' || IsDigit(first))
                        return Number();
                    throw Fault(at < text.Length ? "a value was expected" : "ends in the middle");
            }
        }

        JsonValue Word(string word, JsonValue value)
        {
            if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0)
                throw Fault("a value was expected");
            at += word.Length;
            return value;
        }

        JsonValue Table(int depth)
        {
            var table = new JsonTable();
            at++;
            Space();
            if (Peek() == '}')
            {
                at++;
                return JsonValue.Of(table);
            }
            while (true)
            {
                Space();
                if (Peek() != '"')
                    throw Fault("a key in quotes was expected");
                int start = at;
                string key = Text();
                Space();
                Expect(':');
                Space();
                if (!table.Add(key, Value(depth + 1)))
                {
                    at = start;
                    throw Fault("the key '" + key + "' is there twice");
                }
                Space();
                if (Peek() == '}')
                {
                    at++;
                    return JsonValue.Of(table);
                }
                Expect(',');
            }
        }

        JsonValue List(int depth)
        {
            var items = new List<JsonValue>();
            at++;
            Space();
            if (Peek() == ']')
            {
                at++;
                return JsonValue.Of(items);
            }
            while (true)
            {
                Space();
                items.Add(Value(depth + 1));
                Space();
                if (Peek() == ']')
                {
                    at++;
                    return JsonValue.Of(items);
                }
                Expect(',');
            }
        }

        void Expect(char character)
        {
            if (at >= text.Length || text[at] != character)
                throw Fault("'" + character + "' was expected");
            at++;
        }

        static bool IsDigit(char character)
        {
            return character >= '0' && character <= '9';
        }

        void Digits()
        {
            if (!IsDigit(Peek()))
                throw Fault("a digit was expected");
            while (IsDigit(Peek()))
                at++;
        }

        JsonValue Number()
        {
            int start = at;
            bool whole = true;
            if (Peek() == '-')
                at++;
            if (Peek() == '0')
                at++;
            else
                Digits();
            if (Peek() == '.')
            {
                whole = false;
                at++;
                Digits();
            }
            if (Peek() == 'e' || Peek() == 'E')
            {
                whole = false;
                at++;
                if (Peek() == '+' || Peek() == '-')
                    at++;
                Digits();
            }
            string digits = text.Substring(start, at - start);
            long integer;
            if (whole && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer))
                return JsonValue.Of(integer);
            double real;
            if (!double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out real))
                real = digits[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return JsonValue.Of(real);
        }

        string Text()
        {
            at++;
            buffer.Length = 0;
            while (true)
            {
                if (at >= text.Length)
                    throw Fault("ends in the middle of a text");
                char character = text[at++];
                if (character == '"')
                    break;
                if (character < ' ')
                {
                    at--;
                    throw Fault("a text holds a control character");
                }
                buffer.Append(character == '\\' ? Escaped() : character);
            }
            string result = buffer.ToString();
            for (int i = 0; i < result.Length; i++)
            {
                if (char.IsSurrogate(result[i]))
                {
                    if (!char.IsHighSurrogate(result[i]) || i + 1 >= result.Length || !char.IsLowSurrogate(result[i + 1]))
                        throw Fault("a text is not valid Unicode");
                    i++;
                }
            }
            return result;
        }

        char Escaped()
        {
            char character = Peek();
            at++;
            switch (character)
            {
                case '"':
                case '\\':
                case '/':
                    return character;
                case 'b':
                    return '\b';
                case 'f':
                    return '\f';
                case 'n':
                    return '\n';
                case 'r':
                    return '\r';
                case 't':
                    return '\t';
                case 'u':
                    int code = 0;
                    for (int i = 0; i < 4; i++)
                    {
                        int digit = "0123456789abcdef".IndexOf(char.ToLowerInvariant(Peek()));
                        if (at >= text.Length || digit < 0)
                            throw Fault("four hex digits were expected");
                        code = code * 16 + digit;
                        at++;
                    }
                    return (char)code;
                default:
                    at--;
                    throw Fault("there is no such escape");
            }
        }
    }
}
