using System;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Vcg.Bridge
{
    /// <summary>Where to connect to.</summary>
    internal sealed class Endpoint
    {
        private const string Tcp = "tcp://", TlsScheme = "tls://";

        /// <summary>This machine, as the server and the other clients see it: any other name may lead anywhere.</summary>
        private static readonly Regex Loopback = new Regex(
            @"\A(localhost|::1|127(\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3})\z", RegexOptions.CultureInvariant);

        private Endpoint(string host, int port, byte[] pin)
        {
            Host = host;
            Port = port;
            Pin = pin;
        }

        internal string Host { get; }

        internal int Port { get; }

        /// <summary>sha256 that the server's certificate or its key must have; null: no TLS.</summary>
        internal byte[] Pin { get; }

        /// <exception cref="VcgException">"bad_request": what is wrong with the address or the pin; "config": a secret would
        /// travel in clear</exception>
        internal static Endpoint Of(VcgClientOptions options)
        {
            string address = options.Address ?? "";
            bool tls = address.StartsWith(TlsScheme, StringComparison.Ordinal);
            if (!tls && !address.StartsWith(Tcp, StringComparison.Ordinal))
                throw NoAddress(address);
            string rest = address.Substring(Tcp.Length);
            int colon = rest.LastIndexOf(':');
            if (colon < 1)
                throw NoAddress(address);
            string host = rest.Substring(0, colon);
            bool bracketed = host.Length > 2 && host[0] == '[' && host[host.Length - 1] == ']';
            if (bracketed)
                host = host.Substring(1, host.Length - 2);
            int port;
            if (!int.TryParse(rest.Substring(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port < 1 || port > 65535 || !IsHost(host, bracketed))
                throw NoAddress(address);
            byte[] pin = null;
            if (tls)
                pin = CertificatePin.Parse(options.CertificatePin);
            else if (!string.IsNullOrEmpty(options.CertificatePin))
                throw VcgException.BadRequest(
                    "there is a certificate pin, but " + address + " is not TLS", "tls://HOST:PORT, or no pin");
            else if (!Loopback.IsMatch(host))
                KeepSecret(options, host);
            return new Endpoint(host, port, pin);
        }

        private static void KeepSecret(VcgClientOptions options, string host)
        {
            bool token = !string.IsNullOrEmpty(options.Token);
            if (token || !string.IsNullOrEmpty(options.PlainPassword))
                throw new VcgException(
                    Vocabulary.ErrorCode.Config, (token ? "a token for " : "a password for ") + host + " would travel in clear",
                    "use the server's TLS port, tls://HOST:PORT (vcg serve --tls), with the pin of its certificate, or an "
                    + "encrypted tunnel to this machine");
        }

        private static bool IsHost(string host, bool bracketed)
        {
            foreach (char character in host)
            {
                bool plain = char.IsLetterOrDigit(character) || character == '.' || character == '-' || character == '_';
                if (!plain && !(bracketed && (character == ':' || character == '%')))
                    return false;
            }
            return true;
        }

        private static VcgException NoAddress(string address)
        {
            return VcgException.BadRequest("'" + address + "' is no address", "for example " + Vocabulary.DefaultAddress);
        }
    }
}
