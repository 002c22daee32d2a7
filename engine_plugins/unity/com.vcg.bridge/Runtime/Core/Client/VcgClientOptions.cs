using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Where the server is, who we are, how long we wait.</summary>
    public sealed class VcgClientOptions
    {
        /// <summary>"tcp://HOST:PORT", or "tls://HOST:PORT" for TLS, which needs <see cref="CertificatePin"/>.</summary>
        public string Address { get; set; } = Vocabulary.DefaultAddress;

        /// <summary>Program and version, for the server's log; at most 128 bytes.</summary>
        public string Name { get; set; } = "vcg-unity/0.1.0";

        /// <summary>Where the server asks for one. Beyond this machine it is sent through TLS only.</summary>
        public string Token { get; set; } = "";

        /// <summary>
        /// Of TLS: sha256 of the server's certificate, or of its public key (SubjectPublicKeyInfo), in 64 hex digits. Nothing
        /// else is trusted. See <see cref="Bridge.CertificatePin.OfFile"/>.
        /// </summary>
        public string CertificatePin { get; set; } = "";

        /// <summary>For a proxy that asks for ZeroMQ's PLAIN; "": none. VCG Bridge itself does not use it.</summary>
        public string PlainUser { get; set; } = "";

        /// <summary>Belongs to <see cref="PlainUser"/>. Beyond this machine it is sent through TLS only.</summary>
        public string PlainPassword { get; set; } = "";

        /// <summary>What blobs may be compressed with, preferred first: of "gzip" and "raw".</summary>
        public IReadOnlyList<string> Codecs { get; set; } = BlobDecoder.Codecs;

        /// <summary>Bytes that the server may send of one job before they were taken, 1 to 67108864.</summary>
        public int WindowBytes { get; set; } = 8 << 20;

        /// <summary>How long to wait for the answer to a small request.</summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

        /// <summary>How long a lost connection is tried again before its jobs fail.</summary>
        public TimeSpan Retry { get; set; } = TimeSpan.FromSeconds(60);

        /// <summary>Silence after which we send a ping.</summary>
        public TimeSpan Ping { get; set; } = TimeSpan.FromMilliseconds(Vocabulary.PingMs);

        /// <summary>Silence after that ping that means that the server is gone.</summary>
        public TimeSpan Dead { get; set; } = TimeSpan.FromMilliseconds(Vocabulary.DeadMs);

        internal VcgClientOptions Copy()
        {
            return (VcgClientOptions)MemberwiseClone();
        }
    }
}
